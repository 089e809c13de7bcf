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
	cpu, err := createProfile(f, "cpu-profile")
	if err != nil {
		return nil, err
	}
	heap, err := createProfile(f, "heap-profile")
	if err != nil {
		return nil, err
	}
	if cpu != nil {
		if err := pprof.StartCPUProfile(cpu); err != nil {
			return nil, err
		}
	}
	return func() error {
		var cpuErr, heapErr error
		if cpu != nil {
			pprof.StopCPUProfile()
			cpuErr = cpu.Close()
		}
		if heap != nil {
			runtime.GC() // what is in use is counted as of the last collection
			heapErr = errors.Join(pprof.Lookup("heap").WriteTo(heap, 0), heap.Close())
		}
		return errors.Join(cpuErr, heapErr)
	}, nil
}

// createProfile creates the file that a flag names, nil if it names none.
func createProfile(f *pflag.FlagSet, flag string) (*os.File, error) {
	path, _ := f.GetString(flag)
	if path == "" {
		return nil, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return file, nil
}
