package emulator_test

import (
	"fmt"
	"slices"
	"strings"
)

// checkOrder holds a stream to the order of events, Claude's or Converse's, and each block's deltas to
// the block.
//
//	message_start (content_block_start content_block_delta* content_block_stop)* message_delta message_stop
//	messageStart  ([contentBlockStart] contentBlockDelta* contentBlockStop)*     messageStop   metadata
func checkOrder(events []event) error {
	if len(events) == 0 {
		return fmt.Errorf("no events")
	}
	if events[0]["type"] == "messageStart" {
		return checkConverseOrder(events)
	}
	return checkClaudeOrder(events)
}

// deltasOf are the deltas that a block may have.
var deltasOf = map[string][]string{
	"text":            {"text_delta", "citations_delta"},
	"thinking":        {"thinking_delta", "signature_delta"},
	"tool_use":        {"input_json_delta"},
	"server_tool_use": {"input_json_delta"},
}

var stopReasons = []string{"end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "pause_turn", "model_context_window_exceeded"}

func checkClaudeOrder(events []event) error {
	next, block, open := "message_start", -1, ""
	for i, e := range events {
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("event %d, %v: %s", i, e["type"], fmt.Sprintf(format, args...))
		}
		kind, _ := e["type"].(string)
		if !slices.Contains(strings.Fields(next), kind) {
			return wrong("want %s", next)
		}
		switch kind {
		case "message_start":
			next = "content_block_start message_delta"
		case "content_block_start":
			block++
			open, _ = member(e, "content_block", "type").(string)
			next = "content_block_delta content_block_stop"
		case "content_block_delta":
			if delta, _ := member(e, "delta", "type").(string); deltasOf[open] == nil || !slices.Contains(deltasOf[open], delta) {
				return wrong("%s in a block of %s", delta, open)
			}
		case "content_block_stop":
			next = "content_block_start message_delta"
		case "message_delta":
			if reason, _ := member(e, "delta", "stop_reason").(string); !slices.Contains(stopReasons, reason) {
				return wrong("stop_reason %q", reason)
			}
			next = "message_stop"
		case "message_stop":
			next = "nothing"
		}
		if strings.HasPrefix(kind, "content_block_") && e["index"] != float64(block) {
			return wrong("index %v, want %d", e["index"], block)
		}
	}
	if next != "nothing" {
		return fmt.Errorf("it ends where %s is wanted", next)
	}
	return nil
}

func checkConverseOrder(events []event) error {
	next, block := "messageStart", -1
	for i, e := range events {
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("event %d, %v: %s", i, e["type"], fmt.Sprintf(format, args...))
		}
		kind, _ := e["type"].(string)
		if !slices.Contains(strings.Fields(next), kind) {
			return wrong("want %s", next)
		}
		begins := strings.Contains(next, "messageStop") && kind != "messageStop"
		switch kind {
		case "messageStart", "contentBlockStop":
			next = "contentBlockStart contentBlockDelta contentBlockStop messageStop"
		case "contentBlockStart", "contentBlockDelta":
			next = "contentBlockDelta contentBlockStop"
		case "messageStop":
			if reason, _ := e["stopReason"].(string); !slices.Contains(converseStopReasons, reason) {
				return wrong("stopReason %q", reason)
			}
			next = "metadata"
		case "metadata":
			next = "nothing"
		}
		if !strings.HasPrefix(kind, "contentBlock") {
			continue
		}
		if begins {
			block++
		}
		if e["contentBlockIndex"] != float64(block) {
			return wrong("contentBlockIndex %v, want %d", e["contentBlockIndex"], block)
		}
	}
	if next != "nothing" {
		return fmt.Errorf("it ends where %s is wanted", next)
	}
	return nil
}

var converseStopReasons = []string{
	"end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered",
	"malformed_model_output", "malformed_tool_use", "model_context_window_exceeded",
}

func member(e event, names ...string) any {
	var v any = e
	for _, name := range names {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return v
}
