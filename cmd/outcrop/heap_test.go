package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestGCPercent(t *testing.T) {
	const mib = 1 << 20
	f := func(name string, live, roots uint64, want int) {
		t.Helper()
		if got := gcPercent(16*mib, live, roots); got != want {
			t.Errorf("%s: gcPercent(16 MiB, %d, %d) = %d, want %d", name, live, roots, got, want)
		}
	}
	f("before the first collection", 0, 0, 400)
	f("a gateway at rest", 2*mib, 1*mib, 400)
	f("some streams are open", 4*mib, 2*mib, 199)
	f("half the floor is in use", 8*mib, 0, 100)
	f("more than the floor is in use", 100*mib, 50*mib, 100)
}

func TestOperatorsGOGCDecides(t *testing.T) {
	t.Cleanup(func() { debug.SetGCPercent(100) })
	debug.SetGCPercent(70)
	t.Setenv("GOGC", "70")
	keepHeap(1 << 30)
	if got := debug.SetGCPercent(70); got != 70 {
		t.Errorf("with GOGC=70 in the environment it is %d", got)
	}
}

func TestHeapIsCollectedAtTheFloor(t *testing.T) {
	const garbage, floor = 256 << 20, 32 << 20
	collections := func() uint32 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range garbage / (32 << 10) {
			kept = make([]byte, 32<<10)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	t.Setenv("GOGC", "")
	keepHeap(floor)
	if got, want := collections(), uint32(garbage/floor*2); got > want {
		t.Errorf("%d collections of %d MiB of garbage above a floor of %d MiB, want at most %d", got, garbage>>20, floor>>20, want)
	}
}

// Above the floor it is Go's own 100, not something near it that was no worth a change.
func TestGCPercentComesBackToGosOwn(t *testing.T) {
	t.Cleanup(func() { debug.SetGCPercent(100) })
	k := &heapKeeper{floor: 1, percent: 109, samples: keeperSamples()}
	debug.SetGCPercent(109)
	k.collected()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("with more in use than the floor GOGC is %d, want 100", got)
	}
}

// kept keeps the compiler from leaving an allocation out.
var kept []byte
