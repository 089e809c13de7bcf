//go:build !windows

package terminal

import "os"

// takesEscapes reports whether f is a terminal that takes escape sequences.
func takesEscapes(f *os.File) bool { return IsTerminal(f) }
