package arith

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

// vars is an Env; names that start with A are associative arrays.
type vars map[string]string

func key(r Ref) string {
	switch r.Kind {
	case Indexed:
		return r.Name + "[" + strconv.FormatInt(r.Index, 10) + "]"
	case Keyed:
		return r.Name + "[" + r.Sub + "]"
	}
	return r.Name
}

var errBudget = errors.New("too many reads")

func (v vars) Get(r Ref) (string, error) {
	if r.Name == "unset" {
		return "", errBudget
	}
	return v[key(r)], nil
}

func (v vars) Set(r Ref, n int64) error {
	if r.Name == "ro" {
		return errBudget
	}
	v[key(r)] = strconv.FormatInt(n, 10)
	return nil
}

func (v vars) Keyed(name string) bool { return name[0] == 'A' }

func (v vars) Index(text string) (int64, error) { return eval(strings.Trim(text, `"`), v) }

func eval(src string, v vars) (int64, error) {
	e, err := Parse(src)
	if err != nil {
		return 0, err
	}
	return e.Eval(v)
}

// preset is what the expressions below see, here and in bash.
const preset = "x=5 y=-3 z=010 h=0xff e= s='x + 1' r=s self=self sp=' 7 ' n=+4; a=(10 20 30); declare -A A=([k]=9 [k1 k2]=8)"

func presetVars() vars {
	return vars{"x": "5", "y": "-3", "z": "010", "h": "0xff", "e": "", "s": "x + 1", "r": "s", "self": "self",
		"sp": " 7 ", "n": "+4", "a": "10", "a[0]": "10", "a[1]": "20", "a[2]": "30", "A[k]": "9", "A[k1 k2]": "8"}
}

// valid are expressions whose value is compared with bash's.
var valid = []string{
	"", " ", "1", " 42 ", "-1", "+7", "- -3", "--3", "++3", "!0", "!5", "!!5", "~0", "~-1", "-~5",
	"1+2*3", "(1+2)*3", "7/2", "-7/2", "7%3", "-7%3", "7%-3", "2**10", "2**0", "-2**2", "2**3**2", "(2**3)**2", "2**63", "3**41",
	"1<<4", "1<<63", "1<<64", "1<<-1", "-8>>1", "256>>4", "1<2", "2<1", "2<=2", "3>=4", "1==1", "1!=1", "1<2==1",
	"6&3", "6|3", "6^3", "1|2^3&4", "1&&2", "0&&1", "1||0", "0||0", "2&&3||0", "0&&1||1", "1||1/0", "0&&1/0",
	"1?2:3", "0?2:3", "1?2?3:4:5", "0?1:0?2:3", "1?2,3:4", "1,2,3", "(1,2)+1", "1?x=7:0", "x==5?10:20", "1 ? 1/1 : 1/0", "0?1/0:2",
	"x", "y", "x+y", "z", "h", "e", "nope", "s", "r", "r*2", "sp", "n", "-y", "x*-1", "x - -1", "x-y", "x*x", "_u", "x1y",
	"x=3", "x=y=2", "x+=2", "x-=2", "x*=2", "x/=2", "x%=2", "x<<=2", "x>>=1", "x&=6", "x|=8", "x^=1", "x+=x=2", "new=4", "new+=4", "x=1,x+1",
	"x++", "x--", "++x", "--x", "x+++y", "x++ + ++x", "x---y", "-x++", "- --x", "x++,x", "!x++", "(x)", "((x))+((1))",
	"a", "a[0]", "a[1]", "a[2]", "a[1+1]", "a[-1]+0*1", "a[9]", "a[x-4]", "a[a[0]-9]", "a[1]=5", "a[1]+=5", "a[1]++", "++a[1]", "a[1]--,a[1]", "a[x=1]", "x=1,a[x++]++,x", "a[x=0]+=a[x+1]",
	"A[k]", "A[k]+1", "A[k]++", "A[k]+=1", "A[nope]", "A[k1 k2]",
	"0x10", "0X1F", "010", "0", "00", "0x0", "2#101", "16#ff", "16#FF", "36#z", "36#Z", "37#A", "64#_", "64#@", "64#Z", "8#17", "10#08", "10#09+1",
	"9223372036854775807", "9223372036854775807+1", "9223372036854775808", "-9223372036854775808", "-9223372036854775808/-1", "-9223372036854775807-1", "(-9223372036854775807-1)%-1", "99999999999999999999",
	"1 +\n2", "1\t+ 2", " ( 1 ) ", "1<2<3", "5-3-1", "100/10/2", "2*3%4", "1+1==2&&2+2==4", "~1&3", "1<<2+1", "!1+1", "-1-1", "1- -1",
}

// invalid are expressions that must give an error, as in bash.
var invalid = []string{
	"1+", "+", "*", "*1", "1*", "(", ")", "(1", "1)", "()", "1 2", "x y", "1=2", "(x)=1", "x+1=2", "-x=1", "1/0", "1%0", "x/0", "x/=0", "0x1g", "08", "2#2", "1#0", "65#1",
	"1?", "1?2", "1?2:", "1?:2", ":", "1:2", "2**-1", "self", "1.5", "@", "$x", "#", "x[", "x]", "a[", "1&&", "||1", "!", "~", "x++y", "1,", ",1", "=", "==", "x=", "x+=", "a b=1", "1<>2", "\"1\"", "'1'", "x?", "2#", "\\1",
}

func TestValidLikeBash(t *testing.T) {
	script := strings.Builder{}
	script.WriteString("bashout() { ( eval \"$preset\"; echo \"$(($1))\" ) 2>/dev/null || echo error; }\npreset=$1; shift\nfor i; do bashout \"$i\"; done\n")
	out, err := exec.Command("bash", append([]string{"-c", script.String(), "bash", preset}, valid...)...).Output()
	if err != nil {
		difftest.Lacks(t, "no bash: %v", err)
	}
	want := strings.Split(string(out), "\n")
	for i, src := range valid {
		n, err := eval(src, presetVars())
		got := strconv.FormatInt(n, 10)
		if err != nil {
			got = "error"
		}
		if src == "a[-1]+0*1" { // needs an array that knows its length
			continue
		}
		if got != want[i] {
			t.Errorf("%q: got %s (%v), bash says %s", src, got, err, want[i])
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, src := range invalid {
		n, err := eval(src, presetVars())
		if err == nil {
			t.Errorf("%q: got %d, want an error", src, n)
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Msg == "" {
			t.Errorf("%q: untyped error %v", src, err)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for src, want := range map[string]string{
		"1/0":       `1/0: division by 0 (error token is "0")`,
		"1 + ":      `1 + : syntax error: operand expected (error token is "+ ")`,
		"1 2":       `1 2: syntax error in expression (error token is "2")`,
		"1=2":       `1=2: attempted assignment to non-variable (error token is "=2")`,
		"08":        `08: value too great for base (error token is "08")`,
		"1.5":       `1.5: syntax error: invalid arithmetic operator (error token is ".5")`,
		"(1":        "(1: missing `)' (error token is \"1\")",
		"2**-1":     `2**-1: exponent less than 0 (error token is "-1")`,
		"65#1":      `65#1: invalid arithmetic base (error token is "65#1")`,
		"a[1/0]+1":  `a[1/0]+1: division by 0 (error token is "0]+1")`,
		"self":      `self: expression recursion level exceeded (error token is "self")`,
		"1?2":       "1?2: `:' expected for conditional expression (error token is \"2\")",
		"1 + a[ ]1": `1 + a[ ]1: syntax error in expression (error token is "1")`,
	} {
		if _, err := eval(src, presetVars()); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", src, err, want)
		}
	}
}

func TestEnvErrorsEndEvaluation(t *testing.T) {
	for _, src := range []string{"unset", "1+unset", "unset=1,unset", "ro=1", "ro++", "a[unset]", "x[ro=1]=2"} {
		if _, err := eval(src, presetVars()); !errors.Is(err, errBudget) {
			t.Errorf("%q: got %v", src, err)
		}
	}
	if n, err := eval("0 && unset", presetVars()); n != 0 || err != nil {
		t.Errorf("what is not evaluated must not be read: %d, %v", n, err)
	}
}

func TestHostileNesting(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("(", 1e5), strings.Repeat("-", 1e5) + "1", strings.Repeat("!", 1e5) + "1", strings.Repeat("x=", 1e5) + "1",
		strings.Repeat("1?", 1e5), strings.Repeat("0?1:", 1e5) + "1", strings.Repeat("2**", 1e5) + "1", strings.Repeat("a[", 1e4) + strings.Repeat("]", 1e4),
	} {
		if _, err := eval(src, presetVars()); err == nil {
			t.Errorf("%.10q…: no error", src)
		}
	}
	if n, err := eval(strings.Repeat("1+", 1e5)+"1", nil); n != 1e5+1 || err != nil {
		t.Errorf("a long sum: %d, %v", n, err)
	}
	if n, err := eval(strings.Repeat("1+(", 100)+"1"+strings.Repeat(")", 100), nil); n != 101 || err != nil {
		t.Errorf("a deep sum: %d, %v", n, err)
	}
}

// fixed is an Env whose methods do not allocate.
type fixed struct{}

func (fixed) Get(Ref) (string, error) { return "12", nil }
func (fixed) Set(Ref, int64) error    { return nil }
func (fixed) Keyed(string) bool       { return false }

func (fixed) Index(string) (int64, error) { return 0, nil }

func TestEvalDoesNotAllocate(t *testing.T) {
	e, err := Parse("x = (x + 1) * y - a[i++] ? x : 3")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { e.Eval(fixed{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestArgs(t *testing.T) {
	e, err := ParseArgs("x="+Arg(0)+"*(2-"+Arg(1)+")", 2)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := e.EvalArgs(fixed{}, []int64{3, -4}); n != 18 || err != nil {
		t.Error(n, err)
	}
	for _, src := range []string{Arg(0) + "=1", Arg(0) + "1", "x" + Arg(0), "1" + Arg(0), Arg(0) + "x", Arg(0) + "++", Arg(1), Arg(0) + Arg(0), Arg(0) + "[0]"} {
		if _, err := ParseArgs(src, 1); err == nil {
			t.Errorf("%q was accepted", src)
		}
	}
	e, _ = ParseArgs("1/"+Arg(0), 1)
	if _, err := e.EvalArgs(fixed{}, []int64{0}); err == nil || err.Error() != `1/0: division by 0 (error token is "0")` {
		t.Error(err)
	}
	if _, err := Parse(Arg(0)); err == nil {
		t.Error("an argument without ParseArgs was accepted")
	}
}

func TestConstAndName(t *testing.T) {
	e, _ := Parse(" 0x10 ")
	if n, ok := e.Const(); n != 16 || !ok {
		t.Error(n, ok)
	}
	e, _ = Parse("x")
	if s, ok := e.Name(); s != "x" || !ok {
		t.Error(s, ok)
	}
	e, _ = Parse("x+1")
	if _, ok := e.Name(); ok {
		t.Error("an expression is no name")
	}
}

// budget is an Env that ends evaluation after a number of reads: values that
// refer to each other can make an expression exponentially long.
type budget struct {
	vars
	left int
}

func (b *budget) Get(r Ref) (string, error) {
	if b.left--; b.left < 0 {
		return "", errBudget
	}
	return b.vars.Get(r)
}

func FuzzArith(f *testing.F) {
	for _, src := range valid {
		f.Add(src)
	}
	for _, src := range invalid {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		e, err := Parse(src)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without text")
			}
			return
		}
		v := presetVars()
		v["self"] = src
		e.Eval(&budget{v, 2000})
	})
}

func BenchmarkAdd(b *testing.B) {
	e, _ := Parse("x+1")
	for b.Loop() {
		e.Eval(fixed{})
	}
}
