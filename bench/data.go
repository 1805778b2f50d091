package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// data is the folder of the files that rows read. It is not in /tmp, which is
// another one for sandboxed commands.
var data string

func makeData() (err error) {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	if data, err = os.MkdirTemp(here, ".bench-"); err != nil {
		return err
	}
	if err := makeNarrow(data); err != nil {
		return err
	}
	os.MkdirAll(filepath.Join(data, "many"), 0o755)
	for i := range 10_000 {
		if err := os.WriteFile(filepath.Join(data, "many", fmt.Sprintf("file%05d.c", i)), nil, 0o644); err != nil {
			return err
		}
	}
	for i := range 1_000 {
		dir := filepath.Join(data, "folders", fmt.Sprint(i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for _, name := range []string{"main.c", "Makefile"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				return err
			}
		}
	}
	for name, text := range map[string]string{
		"lines":     numbered("word%d and the rest of line %[1]d\n", 20_000),
		"passwd":    numbered("user%d:x:%[1]d:%[1]d:User %[1]d:/home/user%[1]d:/bin/sh\n", 20_000),
		"configure": configure(1 << 20),
		"empty":     "",
	} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// configure is a script in the manner of autoconf's output, at least size
// bytes long: long tests, quoting inside of quoting, here-documents of C.
func configure(size int) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for i := 0; b.Len() < size; i++ {
		b.WriteString(strings.ReplaceAll(check, "@N@", fmt.Sprint(i)))
	}
	return b.String()
}

const check = `
# Look for header number @N@ in the usual places.
printf "%s\\n" "$as_me:${LINENO-$LINENO}: checking for feature@N@.h" >&5
printf %s "checking for feature@N@.h... " >&6
if test ${cv_header_feature@N@_h+y}
then :
  printf %s "(cached) " >&6
else
  save_LIBS=$LIBS
  LIBS="-lfeature@N@ $EXTRA_LIBS $LIBS"
  cat confdefs.h - <<_EOF >conftest.$ext
/* end of confdefs.h. */
#include <stdio.h>
#include <feature@N@.h>
int main (void) { return feature@N@ ($width * 2); }
_EOF
  for lib in '' -lm "-lfeature@N@ -L$prefix/lib"; do
    if test -z "$lib"; then
      result="none required"
    else
      result=-l$(echo "$lib" | sed 's/^-l//; s/[^a-z0-9]*$//')
      LIBS="$lib  $save_LIBS"
    fi
    if { { try="$compile conftest.$ext >&5"
      case "(($try" in
        *\"* | *\\* ) try_echo=\$try;;
        *) try_echo=$try;;
      esac
      eval echo "\"\$as_me:${LINENO-$LINENO}: $try_echo\"" ; } >&5
      (eval "$compile") 2>conftest.err
      status=$?
      test $status = 0; } && { test -z "$werror" || test ! -s conftest.err; } && test -s conftest.$OBJEXT
    then :
      cv_header_feature@N@_h=yes; break
    else
      sed 's/^/| /' conftest.$ext >&5
      cv_header_feature@N@_h=${cv_default:-no}
    fi
  done
  rm -f core conftest.err conftest.$OBJEXT conftest$EXEEXT
fi
{ printf "%s\\n" "result: $cv_header_feature@N@_h" >&5; } 2>/dev/null
if test "x$cv_header_feature@N@_h" = xyes -a "$enable_feature@N@" != no; then
  printf "%s\\n" "#define HAVE_FEATURE@N@_H 1" >>confdefs.h
  count=$(( ${count:-0} + 1 ))
fi
`
