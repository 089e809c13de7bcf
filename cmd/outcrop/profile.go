package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/spf13/pflag"
)

// profileFlags are those that write profiles for go tool pprof.
func profileFlags(f *pflag.FlagSet) {
	f.String("cpu-profile", "", "write a CPU profile to `FILE` for go tool pprof, whole when the command has ended")
	f.String("heap-profile", "", "write what was allocated to `FILE` for go tool pprof when the command ends")
}

// startProfiles starts what profileFlags ask for. The function that it returns ends and writes it.
func startProfiles(f *pflag.FlagSet) (stop func() error, err error) {
	cpu, _ := f.GetString("cpu-profile")
	heap, _ := f.GetString("heap-profile")
	var cpuFile *os.File
	if cpu != "" {
		if cpuFile, err = os.Create(cpu); err != nil {
			return nil, fmt.Errorf("CPU profile: %w", err)
		}
		if err := pprof.StartCPUProfile(cpuFile); err != nil {
			return nil, fmt.Errorf("CPU profile: %w", errors.Join(err, cpuFile.Close()))
		}
	}
	return func() error {
		var cpuErr, heapErr error
		if cpuFile != nil {
			pprof.StopCPUProfile()
			cpuErr = cpuFile.Close()
		}
		if heap != "" {
			heapErr = writeHeapProfile(heap)
		}
		return errors.Join(cpuErr, heapErr)
	}, nil
}

func writeHeapProfile(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("heap profile: %w", err)
	}
	runtime.GC() // what is in use is counted as of the last collection
	return errors.Join(pprof.Lookup("heap").WriteTo(file, 0), file.Close())
}
