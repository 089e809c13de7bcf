package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/outcrop-dev/outcrop"
)

// limitFlags are those that say how long Bedrock is waited for. They have the library's defaults.
func limitFlags(f *pflag.FlagSet) {
	idleFlag(f)
	f.Duration("timeout", outcrop.DefaultTimeout, "longest that an answer may take that is not streamed")
}

// idleFlag is that of a command which only streams.
func idleFlag(f *pflag.FlagSet) {
	f.Duration("idle-timeout", outcrop.DefaultIdleTimeout, "silence after which a streamed answer is given up")
}

// limits are what limitFlags, or idleFlag alone, say.
func limits(f *pflag.FlagSet) ([]outcrop.Option, error) {
	var options []outcrop.Option
	for _, flag := range []struct {
		name   string
		option func(time.Duration) outcrop.Option
	}{{"idle-timeout", outcrop.WithIdleTimeout}, {"timeout", outcrop.WithTimeout}} {
		if f.Lookup(flag.name) == nil {
			continue
		}
		limit, _ := f.GetDuration(flag.name)
		if limit <= 0 {
			return nil, &usageError{fmt.Sprintf("--%s: %v is no time to wait; say how long, as in 90s", flag.name, limit)}
		}
		options = append(options, flag.option(limit))
	}
	return options, nil
}
