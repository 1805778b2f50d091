package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A fresh machine has no curl. There the demo takes its place, as a program
// like any other: fsh starts it in the sandbox, and the proxies decide.

// Exit statuses of curl(1).
const (
	curlFailed  = 7  // no connection
	curlRefused = 22 // -f: the server answered with an error
)

// curl is curl [-fsS] [-m SECONDS] [-o FILE] URL.
func curl(args []string) int {
	flags := flag.NewFlagSet("curl", flag.ContinueOnError)
	flags.Bool("fsS", false, "")
	limit := flags.Int("m", 0, "")
	out := flags.String("o", "/dev/stdout", "")
	if flags.Parse(args) != nil || flags.NArg() != 1 {
		return 2
	}
	client := http.Client{Timeout: time.Duration(*limit) * time.Second}
	answer, err := client.Get(flags.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		return curlFailed
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		fmt.Fprintln(os.Stderr, "curl: the server answered", answer.Status)
		return curlRefused
	}
	f, err := os.Create(*out)
	if err == nil {
		_, err = io.Copy(f, answer.Body)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		return 23 // write error
	}
	return 0
}

// path is a PATH in which there is a curl; home has room for one.
func path(home string) (string, error) {
	own := os.Getenv("PATH")
	if _, err := exec.LookPath("curl"); err == nil {
		return own, nil
	}
	fmt.Println("demo: there is no curl here: a small one of the demo's takes its place")
	// A copy: what `go run` made is in /tmp, which is hidden in the sandbox.
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(home, ".demo")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir + string(os.PathListSeparator) + own, os.WriteFile(filepath.Join(dir, "curl"), program, 0o700)
}
