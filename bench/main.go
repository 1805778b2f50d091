// Bench takes the ratios of DESIGN §7: every variant of a row is run in turn,
// round after round, so that a machine whose speed drifts drifts for all.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// variant is one way of doing the same work.
type variant struct {
	name string
	argv []string
}

// row is one comparison. The first variant is what the others are divided by.
type row struct {
	title string
	// per is the number of operations in one run, less those of base.
	per int
	// count is the argument of a run, when it is not per.
	count    int
	variants []variant
	// slope subtracts a run with one iteration, so that start-up does not count,
	// that of the sandbox included.
	slope bool
	// files says that the two are not counts but scripts: full and empty.
	files bool
	// targets are those of DESIGN §7.
	targets []target
}

const trueLoop = `i=0; while [ "$i" -lt "$1" ]; do /bin/true; i=$((i+1)); done`

// pure is shell code that starts nothing; each script takes its count as $1.
var pure = []struct {
	name, script string
	count        int
}{
	{"counting loop", `i=0; while [ "$i" -lt "$1" ]; do i=$((i+1)); done`, 100000},
	{"string operations", `i=0; x=a.b.c; while [ "$i" -lt "$1" ]; do y=${x%%.*}-${x#*.}; z=$y$y; i=$((i+1)); done`, 50000},
	{"functions", `f() { r=$1; }; i=0; while [ "$i" -lt "$1" ]; do f "$i"; i=$((i+1)); done`, 50000},
	{"case", `i=0; while [ "$i" -lt "$1" ]; do case $i in *1|2*) r=a;; [3-6]) r=b;; *) r=c;; esac; i=$((i+1)); done`, 50000},
	{"command substitution", `i=0; while [ "$i" -lt "$1" ]; do x=$(echo x); i=$((i+1)); done`, 2000},
	{"read loop, file", `head -n "$1" "$DATA/lines" >"$TMPDIR/some"; while read -r x y; do :; done <"$TMPDIR/some"`, 20000},
	{"read loop, pipe", `head -n "$1" "$DATA/lines" | while read -r x y; do :; done`, 20000},
	{"read loop, IFS", `while IFS=: read -r a b c; do r=$b; [ "$((n+=1))" -lt "$1" ] || break; done <"$DATA/passwd"`, 20000},
	{"here-document", "i=0; while [ \"$i\" -lt \"$1\" ]; do read -r x <<E\nline $i\nE\ni=$((i+1)); done", 5000},
	{"here-document to cat", "i=0; while [ \"$i\" -lt \"$1\" ]; do cat <<E >/dev/null\nline $i\nE\ni=$((i+1)); done", 1000},
	{"redirection > file", `i=0; while [ "$i" -lt "$1" ]; do : >"$TMPDIR/out"; i=$((i+1)); done`, 5000},
	{"glob of 10,000 files", `cd "$DATA/many"; n=$1; while [ "$n" -gt 0 ]; do set -- *.c; n=$((n-1)); done`, 100},
	{"glob of 1,000 folders", `cd "$DATA"; n=$1; while [ "$n" -gt 0 ]; do set -- folders/*/m*; n=$((n-1)); done`, 100},
}

func main() {
	fsh := flag.String("fsh", "build/fsh", "the fsh to measure")
	rounds := flag.Int("rounds", 7, "rounds per row")
	only := flag.String("only", "", "rows whose title contains this")
	drainFrom := flag.String("drain", "", "be the client of the throughput row: read from this server")
	flag.Parse()
	if *drainFrom != "" {
		if err := drain(*drainFrom, flag.Arg(0)); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := makeData(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(data)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	network, err := networkRows(*fsh)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.RemoveAll(data)
		os.Exit(1)
	}
	for _, r := range append(rows(*fsh), network...) {
		if !strings.Contains(r.title, *only) {
			continue
		}
		fmt.Fprintf(w, "%s\t\t\t\t\n\tmedian µs\tmin\tmax\tratio\t\n", r.title)
		if err := r.measure(w, *rounds); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.RemoveAll(data)
			os.Exit(1)
		}
		w.Flush()
	}
	if strings.Contains(growth, *only) {
		fmt.Println(growth)
		fmt.Println(noGrowth())
	}
}

func rows(fsh string) []row {
	shells := func(script string) []variant {
		return []variant{
			{"dash", []string{"dash", "-c", script, "x"}},
			{"bash", []string{"bash", "-c", script, "x"}},
			{"fsh", []string{fsh, "-c", script, "x"}},
			{"fsh plain", []string{fsh, "--unsafe-no-sandbox", "-c", script, "x"}},
		}
	}
	exec1 := row{title: "one more /bin/true in a loop", per: 1000, slope: true, variants: shells(trueLoop),
		targets: []target{{variant: "fsh", of: "dash", ratio: 1.25}}}
	if path, err := exec.LookPath("bwrap"); err == nil {
		loop := strings.ReplaceAll(trueLoop, "/bin/true", path+
			" --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all /bin/true")
		exec1.variants = append(exec1.variants, variant{"bwrap each", []string{"dash", "-c", loop, "x"}})
		exec1.targets = append(exec1.targets, target{variant: "fsh", of: "bwrap each", ratio: 0.2})
	}
	all := []row{
		exec1,
		{title: "start: -c :", per: 1, variants: []variant{
			{"dash", []string{"dash", "-c", ":"}},
			{"bash", []string{"bash", "-c", ":"}},
			{"fsh", []string{fsh, "-c", ":"}},
			{"fsh plain", []string{fsh, "--unsafe-no-sandbox", "-c", ":"}},
		}, targets: []target{{variant: "fsh", of: "dash", more: 6000}}},
		{title: "first command: -c /bin/true (network included)", per: 1, variants: []variant{
			{"dash", []string{"dash", "-c", "/bin/true; :"}},
			{"fsh", []string{fsh, "-c", "/bin/true; :"}},
		}, targets: []target{{variant: "fsh", more: 20_000}}},
		{title: "cd to a directory whose runner exists", per: 2 * cdCount, count: cdCount, slope: true, variants: []variant{
			{"dash", []string{"dash", "-c", cdLoop, "x"}},
			{"fsh", []string{fsh, "-c", cdLoop, "x"}},
		}, targets: []target{{variant: "fsh", more: 1000}}},
		throughput(fsh),
	}
	for _, p := range pure {
		all = append(all, row{title: p.name, per: p.count, slope: true, variants: shells(p.script), targets: pureTargets[p.name]})
	}
	return append(all, row{title: "parse a configure script of 1 MB (-n)", per: 1, files: true, variants: []variant{
		{"dash", []string{"dash", "-n"}},
		{"bash", []string{"bash", "-n"}},
		{"fsh plain", []string{fsh, "--unsafe-no-sandbox", "-n"}},
	}, targets: []target{{variant: "fsh plain", of: "dash", ratio: 2}}})
}

// measure runs all variants in turn and prints medians per operation and the
// median of the ratios taken round by round.
func (r row) measure(w *tabwriter.Writer, rounds int) error {
	times := make([][]time.Duration, len(r.variants))
	for round := range rounds + 1 {
		for i, v := range r.variants {
			d, err := r.once(v)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", r.title, v.name, err)
			}
			if round > 0 { // the first warms the caches
				times[i] = append(times[i], d)
			}
		}
	}
	for i, v := range r.variants {
		ratios := make([]float64, rounds)
		for k := range ratios {
			ratios[k] = float64(times[i][k]) / float64(times[0][k])
		}
		slices.Sort(ratios)
		sorted := slices.Sorted(slices.Values(times[i]))
		us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(r.per) }
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t\n", v.name,
			us(sorted[rounds/2]), us(sorted[0]), us(sorted[rounds-1]), ratios[rounds/2])
	}
	for _, t := range r.targets {
		fmt.Fprintf(w, "%s\n", t.judge(r, times))
	}
	return nil
}

// once is the time of one run, less that of a run with one iteration.
func (r row) once(v variant) (time.Duration, error) {
	count := r.per
	if r.count > 0 {
		count = r.count
	}
	more, less := fmt.Sprint(count+1), "1"
	switch {
	case r.files:
		more, less = filepath.Join(data, "configure"), filepath.Join(data, "empty")
	case !r.slope:
		return run(v.argv)
	}
	full, err := run(append(slices.Clone(v.argv), more))
	if err != nil {
		return 0, err
	}
	empty, err := run(append(slices.Clone(v.argv), less))
	return max(full-empty, 1), err
}

func run(argv []string) (time.Duration, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR=/tmp", "DATA="+data)
	cmd.Stderr = os.Stderr
	start := time.Now()
	err := cmd.Run()
	return time.Since(start), err
}
