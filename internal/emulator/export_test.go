package emulator

import "testing"

// StreamException returns an exception as a message of an operation's event stream.
func StreamException(t *testing.T, operation, name, message string) []byte {
	t.Helper()
	out, err := runtimeAPI().Operation(operation).AppendEvent(nil, name, map[string]any{"message": message})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
