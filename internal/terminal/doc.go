// Package terminal is what Outcrop does on a terminal: reading lines with editing, styles that
// NO_COLOR turns off, and Markdown as it streams in.
//
//	bytes ──▶ decoder ──▶ Key ──▶ editor ──▶ frame ──▶ bytes
//
// The line editor asks the terminal nothing (no cursor or mode queries), so that no answer can turn
// up as typed text, and redraws only its own rows. The terminal stays in raw mode from Open to Close:
// ctrl-c is a key, and what is typed while an answer streams is kept for the next line. Why it is no
// library's: docs/design/0004-line-editor.md.
package terminal
