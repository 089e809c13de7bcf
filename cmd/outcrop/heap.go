package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is how much heap a server may fill before it is collected. Go by itself collects at twice
// what is in use, for a gateway between two requests at 4 MB: under load more than a hundred times a
// second, a quarter of its CPU time.
const heapFloor = 16 << 20

// A heapKeeper lets the heap grow to a floor before it is collected, and above it to twice what is in
// use, as Go does: what many streams or long bodies take is not made more.
type heapKeeper struct {
	floor   uint64
	percent int // as set last
	samples []metrics.Sample
}

// keepHeap makes the heap's floor hold from now on, unless GOGC is set: then the operator has decided.
func keepHeap(floor uint64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	k := &heapKeeper{floor: floor, samples: keeperSamples()}
	k.collected()
}

func keeperSamples() []metrics.Sample {
	return []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
}

// collected runs after each collection: a cleanup of an object that nothing holds does.
func (k *heapKeeper) collected() {
	metrics.Read(k.samples)
	live, roots := k.samples[0].Value.Uint64(), k.samples[1].Value.Uint64()+k.samples[2].Value.Uint64()
	percent := gcPercent(k.floor, live, roots)
	// Setting it stops the world: not for a trifle, unless it is to be Go's own from here on.
	if d := percent - k.percent; max(d, -d)*8 > k.percent || d != 0 && percent == 100 {
		debug.SetGCPercent(percent)
		k.percent = percent
	}
	next := new([64]byte) // too large for the allocator to put it together with others
	runtime.AddCleanup(next, (*heapKeeper).collected, k)
}

// goMinHeap is the heap that Go fills at GOGC=100 before its first collection; it grows with GOGC.
const goMinHeap = 4 << 20

// gcPercent is the GOGC at which the heap is collected next when it has grown to floor, or to twice live
// if that is more. Go adds that percentage of live and roots (runtime.gcControllerState, Go 1.26).
func gcPercent(floor, live, roots uint64) int {
	if 2*live+roots >= floor {
		return 100
	}
	return int(min((floor-live)*100/(live+roots+1), floor*100/goMinHeap))
}
