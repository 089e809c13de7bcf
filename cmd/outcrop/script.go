package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/chat"
	"github.com/outcrop-dev/outcrop/internal/emulator"
	"github.com/outcrop-dev/outcrop/internal/emulator/script"
)

// scriptFlag lets a user say what the embedded Bedrock answers.
func scriptFlag(f *pflag.FlagSet, usage string) {
	f.String("script", "", usage)
	cobra.MarkFlagFilename(f, "script", "json") // the flag is there
}

// readScript reads the file of --script, unless ctx ends first; nil without one. It is read before
// anything listens, so that all its faults are told at once and nothing has begun.
func readScript(ctx context.Context, f *pflag.FlagSet) (*script.Script, error) {
	path, _ := f.GetString("script")
	if path == "" {
		return nil, nil
	}
	s, err := chat.Within(ctx, func() (*script.Script, error) {
		s := emulator.NewScript()
		return s, emulator.LoadScript(s, path)
	})
	switch {
	case ctx.Err() != nil:
		return nil, outcrop.Errorf(outcrop.Canceled, "stopped")
	case err != nil:
		return nil, &usageError{"the script cannot be used:\n" + err.Error()}
	}
	return s, nil
}
