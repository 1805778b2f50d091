package interp

import (
	"strings"
	"syscall"
	"testing"
)

// fakeWorld has the file f, the directory d, descriptor 5 as a terminal, the
// option x and the variable v.
type fakeWorld struct{}

func (fakeWorld) condStat(path string, nofollow bool, st *syscall.Stat_t) error {
	switch path {
	case "f":
		*st = syscall.Stat_t{Mode: syscall.S_IFREG | 0o4644, Size: 3, Ino: 1, Mtim: syscall.Timespec{Sec: 5}}
	case "d":
		*st = syscall.Stat_t{Mode: syscall.S_IFDIR | 0o1755, Ino: 2, Mtim: syscall.Timespec{Sec: 9}}
	default:
		return syscall.ENOENT
	}
	return nil
}

func (fakeWorld) condAccess(path string, mode uint32) error {
	if path == "f" && mode != accessExec {
		return nil
	}
	return syscall.EACCES
}

func (fakeWorld) condIsTTY(fd int) bool       { return fd == 5 }
func (fakeWorld) condOption(name string) bool { return name == "x" }
func (fakeWorld) condIsSet(name string) bool  { return name == "v" }
func (fakeWorld) condIsNameref(string) bool   { return false }
func (fakeWorld) condBash() bool              { return false }
func (fakeWorld) condOwner() (uint32, uint32) { return 0, 0 }

func testStatus(args []string) int {
	switch ok, err := evalTest(fakeWorld{}, args); {
	case err != nil:
		return 2
	case ok:
		return 0
	}
	return 1
}

func TestConditions(t *testing.T) {
	for _, row := range []struct {
		args string
		want int
	}{
		{"", 1}, {"a", 0}, {"-f", 0}, {"! a", 1}, {"!", 0},
		{"-f f", 0}, {"-f d", 1}, {"-d d", 0}, {"-d f", 1}, {"-s f", 0}, {"-s d", 1},
		{"-u f", 0}, {"-u d", 1}, {"-k d", 0}, {"-k f", 1}, {"-e f", 0}, {"-e nx", 1},
		{"-r f", 0}, {"-x f", 1}, {"-t 5", 0}, {"-t 1", 1}, {"-t x", 2},
		{"-o x", 0}, {"-o y", 1}, {"-v v", 0}, {"-v w", 1},
		{"f -nt nx", 0}, {"nx -nt f", 1}, {"d -nt f", 0}, {"f -nt d", 1},
		{"f -ot d", 0}, {"d -ot f", 1}, {"f -ef f", 0}, {"f -ef d", 1}, {"nx -ef nx", 1},
		{"1 -eq 1", 0}, {"1 -eq 01", 0}, {"1 -eq 2", 1}, {"-1 -lt 1", 0}, {"1 -lt -1", 1},
		{"9223372036854775807 -gt -9223372036854775808", 0},
		{"9223372036854775808 -gt 1", 2}, {"x -eq 1", 2}, {"1x -eq 1", 2}, {"0x1 -eq 1", 2},
		{"a = a", 0}, {"a = b", 1}, {"a != b", 0}, {"a < b", 0}, {"b < a", 1}, {"b > a", 0},
		{"a b", 2}, {"a b c", 2}, {"( a )", 0}, {"( ! a )", 1}, {"( a = a )", 0}, {"( a", 2},
		{"! a = b", 0}, {"! ! a = b", 1}, {"a -a b", 0}, {"a -a b -a c", 0},
		{"( a = b -o c = c ) -a d", 0}, {"( a = b -o c = d ) -a d", 1},
		{"a = b -o a = a -a b = c", 1}, {"! = !", 0}, {"( = (", 0}, {"-n = -n", 0},
		{"! ( a )", 1}, {"a = a )", 2},
	} {
		if got := testStatus(strings.Fields(row.args)); got != row.want {
			t.Errorf("test %s: %d, want %d", row.args, got, row.want)
		}
	}
}

func TestConditionDepth(t *testing.T) {
	args := make([]string, 0, 200001)
	for range 100000 {
		args = append(args, "(")
	}
	args = append(args, "a")
	for range 100000 {
		args = append(args, ")")
	}
	if got := testStatus(args); got != 2 {
		t.Errorf("status %d", got)
	}
}

func FuzzConditions(f *testing.F) {
	f.Add("a\x00=\x00a")
	f.Add("(\x00!\x00-f\x00f\x00)\x00-o\x001\x00-lt\x002")
	f.Fuzz(func(t *testing.T, joined string) {
		args := strings.Split(joined, "\x00")
		got := testStatus(args)
		if len(args) == 3 && args[0] != "!" && args[0] != "(" {
			negated := testStatus(append([]string{"!"}, args...))
			if want := []int{1, 0, 2}[got]; negated != want {
				t.Errorf("test %q is %d, but negated %d", args, got, negated)
			}
		}
	})
}

func BenchmarkTest(b *testing.B) {
	args := []string{"7", "-lt", "1000"}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := evalTest(fakeWorld{}, args); !ok || err != nil {
			b.Fatal("wrong")
		}
	}
}
