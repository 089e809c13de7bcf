package terminal

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesEscapes reports whether f is a terminal that takes escape sequences. A console does when it is
// told to, which not every shell has done; it stays told, as after other programs.
func takesEscapes(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
