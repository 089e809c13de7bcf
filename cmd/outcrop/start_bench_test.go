package main_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkVersionStart times outcrop version as a whole process: what every command pays before
// it does anything, mostly package initialization. Budget: a median of 20 ms on a quiet machine.
func BenchmarkVersionStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "outcrop.exe") // .exe for Windows' sake
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", build, err, out)
	}
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		if out, err := exec.Command(binary, "version").CombinedOutput(); err != nil {
			b.Fatalf("outcrop version: %v\n%s", err, out)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds()*1e3, "median-ms")
}
