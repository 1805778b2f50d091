package parse

import (
	"fmt"
	"reflect"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// differ compares trees: theirs is upstream's, ours may differ as doc.go says.
type differ struct {
	at     syntax.Pos // of the last statement of theirs
	quoted int        // double quotes we are in
}

func diffStmts(theirs, ours []*syntax.Stmt) string {
	d := &differ{}
	return d.value("", reflect.ValueOf(theirs), reflect.ValueOf(ours))
}

func (d *differ) failf(path, format string, args ...any) string {
	return fmt.Sprintf("line %d: %s: %s", d.at.Line(), path, fmt.Sprintf(format, args...))
}

var (
	posType     = reflect.TypeFor[syntax.Pos]()
	wordType    = reflect.TypeFor[*syntax.Word]()
	arithType   = reflect.TypeFor[syntax.ArithmExpr]()
	testType    = reflect.TypeFor[syntax.TestExpr]()
	commentType = reflect.TypeFor[[]syntax.Comment]()
)

func (d *differ) value(path string, a, b reflect.Value) string {
	switch a.Type() {
	case posType, commentType:
		return ""
	case arithType:
		if a.IsNil() != b.IsNil() {
			return d.failf(path, "arithmetic: %v, want %v", b, a)
		}
		return ""
	case testType:
		var ta, tb []string
		if !a.IsNil() && !b.IsNil() {
			flattenTest(a.Interface().(syntax.TestExpr), &ta)
			flattenTest(b.Interface().(syntax.TestExpr), &tb)
		}
		if !reflect.DeepEqual(ta, tb) {
			return d.failf(path, "tests %q, want %q", tb, ta)
		}
		return ""
	case wordType:
		return d.word(path, a.Interface().(*syntax.Word), b.Interface().(*syntax.Word))
	}
	switch a.Kind() {
	case reflect.Interface, reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return d.failf(path, "%v, want %v", b, a)
			}
			return ""
		}
		if a.Kind() == reflect.Interface && a.Elem().Type() != b.Elem().Type() {
			if a.Elem().Type() == reflect.TypeFor[*syntax.LetClause]() {
				return ""
			}
			return d.failf(path, "%v, want %v", b.Elem().Type(), a.Elem().Type())
		}
		switch n := a.Interface().(type) {
		case *syntax.Stmt:
			d.at = n.Pos()
			defer func(q int) { d.quoted = q }(d.quoted)
			d.quoted = 0
		case *syntax.DblQuoted:
			d.quoted++
			defer func() { d.quoted-- }()
		case *syntax.Expansion:
			if d.quoted > 0 && hasSingle(n.Word) {
				return "" // upstream has quotes in "${x:-'a'}", which are text
			}
		}
		return d.value(path, a.Elem(), b.Elem())
	case reflect.Slice:
		if parts, ok := a.Interface().([]syntax.WordPart); ok {
			return d.parts(path, parts, b.Interface().([]syntax.WordPart))
		}
		for i := range min(a.Len(), b.Len()) {
			if msg := d.value(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i)); msg != "" {
				return msg
			}
		}
		if a.Len() != b.Len() {
			return d.failf(path, "%d items, want %d", b.Len(), a.Len())
		}
		return ""
	case reflect.Struct:
		for i := range a.NumField() {
			if !a.Type().Field(i).IsExported() {
				continue
			}
			if msg := d.value(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i)); msg != "" {
				return msg
			}
		}
		return ""
	}
	if a.Interface() != b.Interface() {
		return d.failf(path, "%#v, want %#v", b, a)
	}
	return ""
}

func (d *differ) word(path string, a, b *syntax.Word) string {
	var pa, pb []syntax.WordPart
	if a != nil {
		pa = a.Parts
	}
	if b != nil {
		pb = b.Parts
	}
	return d.parts(path, pa, pb)
}

func (d *differ) parts(path string, a, b []syntax.WordPart) string {
	if hasGlob(a) {
		return ""
	}
	a, b = joinLits(a), joinLits(b)
	if strings.HasSuffix(path, ".Hdoc") {
		a, b = untab(a), untab(b)
	}
	for i := range min(len(a), len(b)) {
		if msg := d.value(fmt.Sprintf("%s.part%d", path, i), reflect.ValueOf(&a[i]).Elem(), reflect.ValueOf(&b[i]).Elem()); msg != "" {
			return msg
		}
	}
	if len(a) != len(b) {
		return d.failf(path, "%d parts %s, want %d %s", len(b), show(b), len(a), show(a))
	}
	return ""
}

func show(parts []syntax.WordPart) string {
	var s strings.Builder
	for _, p := range parts {
		if l, ok := p.(*syntax.Lit); ok {
			fmt.Fprintf(&s, "%q ", l.Value)
		} else {
			fmt.Fprintf(&s, "%T ", p)
		}
	}
	return s.String()
}

func hasSingle(w *syntax.Word) bool {
	if w == nil {
		return false
	}
	for _, p := range w.Parts {
		if _, ok := p.(*syntax.SglQuoted); ok {
			return true
		}
	}
	return false
}

func hasGlob(parts []syntax.WordPart) bool {
	for _, p := range parts {
		if _, ok := p.(*syntax.ExtGlob); ok {
			return true
		}
	}
	return false
}

// joinLits joins adjacent literals: where upstream splits them has no meaning.
func joinLits(parts []syntax.WordPart) (out []syntax.WordPart) {
	for _, p := range parts {
		l, ok := p.(*syntax.Lit)
		if ok && l.Value == "" {
			continue
		}
		if n := len(out); ok && n > 0 {
			if prev, ok := out[n-1].(*syntax.Lit); ok {
				out[n-1] = &syntax.Lit{Value: prev.Value + l.Value}
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// untab removes what upstream leaves of the tabs after <<-.
func untab(parts []syntax.WordPart) (out []syntax.WordPart) {
	for i, p := range parts {
		if l, ok := p.(*syntax.Lit); ok {
			v := l.Value
			if i == 0 {
				v = strings.TrimLeft(v, "\t")
			}
			for strings.Contains(v, "\n\t") {
				v = strings.ReplaceAll(v, "\n\t", "\n")
			}
			if v == "" {
				continue
			}
			p = &syntax.Lit{Value: v}
		}
		out = append(out, p)
	}
	return out
}

// flattenTest lists words and operators in order: grouping differs.
func flattenTest(x syntax.TestExpr, out *[]string) {
	switch x := x.(type) {
	case *syntax.BinaryTest:
		flattenTest(x.X, out)
		*out = append(*out, x.Op.String())
		flattenTest(x.Y, out)
	case *syntax.UnaryTest:
		*out = append(*out, x.Op.String())
		flattenTest(x.X, out)
	case *syntax.ParenTest:
		*out = append(*out, "(")
		flattenTest(x.X, out)
		*out = append(*out, ")")
	case *syntax.Word:
		if hasGlob(x.Parts) {
			*out = append(*out, "glob")
			return
		}
		*out = append(*out, testWordText(x))
	}
}

func testWordText(w *syntax.Word) string {
	var s strings.Builder
	if err := syntax.NewPrinter().Print(&s, w); err != nil {
		return err.Error()
	}
	for _, op := range []string{"@(", "?(", "*(", "+(", "!("} {
		if strings.Contains(s.String(), op) {
			return "glob"
		}
	}
	return s.String()
}
