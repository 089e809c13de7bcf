package sse_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/outcrop-dev/outcrop/internal/wire/sse"
)

func ExampleAppendEvent() {
	var out []byte
	out = sse.AppendEvent(out, []byte("ping"), []byte(`{"type":"ping"}`))
	out = sse.AppendEvent(out, []byte("message_stop"), []byte("{\n\"type\":\"message_stop\"\n}"))
	fmt.Printf("%s", out)
	// Output:
	// event: ping
	// data: {"type":"ping"}
	//
	// event: message_stop
	// data: { "type":"message_stop" }
}

func ExampleReader() {
	body := "event: ping\ndata: {\"type\":\"ping\"}\n\n: keep-alive\n\nevent: message_stop\ndata: {\"type\":"

	r := sse.NewReader(strings.NewReader(body))
	for {
		event, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println("error:", err)
			break
		}
		fmt.Printf("%s %s\n", event.Name, event.Data)
	}
	// Output:
	// ping {"type":"ping"}
	// error: server-sent event: unexpected EOF
}
