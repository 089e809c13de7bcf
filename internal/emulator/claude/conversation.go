package claude

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// A turn is what one side says before the other does: consecutive messages of one role. The system
// messages among them are not part of it.
type turn struct {
	role   string
	blocks []block
}

// byTurns returns a conversation, user and assistant by turns.
func byTurns(messages []message) []turn {
	var out []turn
	for _, m := range messages {
		if m.role == "system" {
			continue
		}
		if len(out) == 0 || out[len(out)-1].role != m.role {
			out = append(out, turn{role: m.role})
		}
		last := &out[len(out)-1]
		last.blocks = append(last.blocks, m.blocks...)
	}
	return out
}

// lastTurn returns the user's last turn; it is empty if there is none.
func (r *Request) lastTurn() turn {
	for _, t := range slices.Backward(r.turns) {
		if t.role == "user" {
			return t
		}
	}
	return turn{}
}

// of returns the turn's blocks of one kind.
func (t turn) of(kind string) (out []block) {
	for _, b := range t.blocks {
		if b.kind() == kind {
			out = append(out, b)
		}
	}
	return out
}

// reminder is what clients put between what the user wrote. One without an end goes to the end.
var reminder = regexp.MustCompile(`(?s)<system-reminder>.*?(</system-reminder>|$)`)

// written returns what the user wrote in the turn.
func (t turn) written() string {
	var out []string
	for _, b := range t.of("text") {
		if s := strings.TrimSpace(reminder.ReplaceAllString(b.text("text"), "")); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

// A task is what is left to do of what the user asked for: the last turn that is more than results of
// tools, less the calls that were made since.
type task struct {
	asked   string // what the user wrote last
	last    turn   // the user's last turn
	turns   int    // of the user
	todo    []instruction
	made    []block // the calls made since, tool_use blocks
	prefill string  // what the answer was begun with
}

func (r *Request) task() task {
	t := task{}
	for _, u := range r.turns {
		results := u.role == "user" && len(u.of("tool_result")) > 0
		switch {
		case u.role == "assistant":
			t.made = append(t.made, u.of("tool_use")...)
			t.prefill = lastText(u)
			continue
		case results:
			t.add(instructions(u.written()))
		default:
			t.made, t.asked = nil, u.written()
			t.todo = instructions(t.asked)
		}
		t.last, t.prefill = u, ""
		t.turns++
	}
	for _, call := range t.made {
		same := func(in instruction) bool { return in.name == call.text("name") }
		if i := slices.IndexFunc(t.todo, same); i >= 0 {
			t.todo = slices.Delete(t.todo, i, i+1)
		}
	}
	return t
}

// add adds what was written beside the results of tools. What is already there is left out: some
// clients repeat the task there.
func (t *task) add(more []instruction) {
	for _, in := range more {
		same := func(old instruction) bool { return old.name == in.name && reflect.DeepEqual(old.input, in.input) }
		if len(t.todo) < maxInstructions && !slices.ContainsFunc(t.todo, same) {
			t.todo = append(t.todo, in)
		}
	}
}

// lastText returns the text with which a turn ends.
func lastText(t turn) string {
	if n := len(t.blocks); n > 0 {
		return t.blocks[n-1].text("text")
	}
	return ""
}
