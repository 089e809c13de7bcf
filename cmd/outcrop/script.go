package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/outcrop-dev/outcrop/internal/emulator"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// scriptFlag lets a user say what the embedded Bedrock answers.
func scriptFlag(f *pflag.FlagSet, usage string) {
	f.String("script", "", usage)
	cobra.MarkFlagFilename(f, "script", "json") // the flag is there
}

// readScript reads the file of --script; nil without one. It is read before anything listens, so that
// all its faults are told at once and nothing has begun.
func readScript(f *pflag.FlagSet) (*script.Script, error) {
	path, _ := f.GetString("script")
	if path == "" {
		return nil, nil
	}
	s := emulator.NewScript()
	if err := emulator.LoadScript(s, path); err != nil {
		return nil, &usageError{"the script cannot be used:\n" + err.Error()}
	}
	return s, nil
}
