package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/bedrocktest"
)

// newClient is a client of srv.
func newClient(t *testing.T, srv *bedrocktest.Server) *outcrop.Client {
	t.Helper()
	client, err := outcrop.New(t.Context(), outcrop.WithRegion(srv.Region), outcrop.WithBaseURL(srv.URL),
		outcrop.WithCredentials(credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, "")),
		outcrop.WithGetenv(func(string) string { return "" }))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

var silent = Reader{Text: func(string) {}, Thinking: func(string) {}}

// say asks a question in c and adds its answer.
func say(t *testing.T, client *outcrop.Client, c *Conversation, text string) *Answer {
	t.Helper()
	p := Prompt{Text: text}
	inv, err := c.Invocation(p)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Ask(t.Context(), client, inv, silent)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Add(p, a) {
		t.Fatalf("the answer %q is not taken", a.Text())
	}
	return a
}

// TestConversationGoesOn holds on every kind of model that its turns are taken back: the embedded
// Bedrock checks signatures, breakpoints and what a model takes of thinking, as Bedrock does.
func TestConversationGoesOn(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	client := newClient(t, srv)
	for _, model := range []string{"opus", "sonnet", "haiku", "claude-opus-4-8", "claude-opus-4-6", "claude-opus-4-5", "claude-haiku-4-5"} {
		for _, think := range []bool{false, true} {
			c := &Conversation{Settings: Settings{Model: model, Think: think, System: "Be brief.", Cache: true}}
			say(t, client, c, "one "+strings.Repeat("long ", 5000))
			second := say(t, client, c, "two")
			third := say(t, client, c, "three")
			if !strings.Contains(third.Text(), "this is your turn 3") {
				t.Errorf("%s: the third answer is %q", model, third.Text())
			}
			if think && second.Thinking() == "" {
				t.Errorf("%s: thinking is not shown", model)
			}
			if second.Usage.CacheReadTokens == 0 || third.Usage.CacheReadTokens < second.Usage.CacheReadTokens {
				t.Errorf("%s: read %d, then %d tokens from the cache", model, second.Usage.CacheReadTokens, third.Usage.CacheReadTokens)
			}
			if dollars, ok := third.Cost(); !ok || dollars <= 0 {
				t.Errorf("%s: cost %v, %v", model, dollars, ok)
			}
		}
	}
}

func TestThinkingStaysWithItsModelAndSystem(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	client := newClient(t, srv)
	c := &Conversation{Settings: Settings{Model: "sonnet", Think: true}}
	say(t, client, c, "one")
	c.Model = "opus"
	say(t, client, c, "two")
	c.System = "Be brief."
	say(t, client, c, "three")
	c.Model, c.System = "sonnet", ""
	say(t, client, c, "four")
	requests := srv.Requests()
	var kinds [][]string
	for _, r := range requests {
		var body request
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, m := range body.Messages {
			if m.Role == "assistant" {
				got = append(got, member(m.Content[0], "type"))
			}
		}
		kinds = append(kinds, got)
	}
	want := [][]string{{}, {"text"}, {"text", "text"}, {"thinking", "text", "text"}}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("first blocks of the model's turns, by request, -want +got:\n%s", diff)
	}
}

func TestBody(t *testing.T) {
	f := func(name string, s Settings, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			c := &Conversation{Settings: s}
			got := string(c.body([]turn{Prompt{Text: "hi"}.turn()}, true))
			if want = strings.ReplaceAll(want, "MESSAGES", `"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]`); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	f("nothing but the model", Settings{Model: "claude-opus-4-8"}, `{"model":"claude-opus-4-8","stream":true,"max_tokens":8192,MESSAGES}`)
	f("a model that thinks by itself has room for it", Settings{Model: "sonnet"}, `{"model":"sonnet","stream":true,"max_tokens":16384,MESSAGES}`)
	f("thinking that is to be seen must be asked for", Settings{Model: "sonnet", Think: true},
		`{"model":"sonnet","stream":true,"max_tokens":16384,"thinking":{"type":"adaptive","display":"summarized"},MESSAGES}`)
	f("up to 4.6 it is seen", Settings{Model: "claude-opus-4-6", Think: true},
		`{"model":"claude-opus-4-6","stream":true,"max_tokens":16384,"thinking":{"type":"adaptive"},MESSAGES}`)
	f("older models have a budget", Settings{Model: "claude-haiku-4-5", Think: true, MaxTokens: 3000},
		`{"model":"claude-haiku-4-5","stream":true,"max_tokens":3000,"thinking":{"type":"enabled","budget_tokens":1500},MESSAGES}`)
	f("effort and system", Settings{Model: "opus", Effort: "low", System: "Be brief.", MaxTokens: 5},
		`{"model":"opus","stream":true,"max_tokens":5,"output_config":{"effort":"low"},"system":[{"type":"text","text":"Be brief."}],MESSAGES}`)
	f("an ARN may be any model", Settings{Model: "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a"},
		`{"model":"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a","stream":true,"max_tokens":8192,MESSAGES}`)
	f("a breakpoint of the cache", Settings{Model: "claude-opus-4-8", Cache: true},
		`{"model":"claude-opus-4-8","stream":true,"max_tokens":8192,"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}`)
	f("none for a model without a cache", Settings{Model: "claude-3-haiku", Cache: true}, `{"model":"claude-3-haiku","stream":true,"max_tokens":4096,MESSAGES}`)
}

func TestCheck(t *testing.T) {
	f := func(name string, s Settings, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := s.Check(); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%+v: %q, want %q", s, got, want)
			}
		})
	}
	f("a name that only a gateway may know", Settings{Model: "fast", Think: true}, "")
	f("another vendor's model", Settings{Model: "us.amazon.nova-pro-v1:0"}, "us.amazon.nova-pro-v1:0 is not a Claude model: chat speaks Claude's Messages API")
	f("a model newer than the catalogue", Settings{Model: "us.anthropic.claude-opus-9"}, "")
	f("a model that does not think", Settings{Model: "claude-3-haiku", Think: true}, "Claude Haiku 3 does not think")
	f("no such effort", Settings{Model: "claude-opus-4-5", Effort: "max"}, `Claude Opus 4.5 has no effort "max": it takes low, medium, high`)
	f("no effort at all", Settings{Model: "claude-haiku-4-5", Effort: "low"}, "Claude Haiku 4.5 takes no effort")
	f("too long an answer", Settings{Model: "claude-haiku-4-5", MaxTokens: 64001}, "Claude Haiku 4.5 answers with 64000 tokens at most")
	f("too little to think", Settings{Model: "claude-haiku-4-5", Think: true, MaxTokens: 1024}, "Claude Haiku 4.5 thinks with 1024 tokens at least: more than that must be allowed")
}

// read makes an answer of events.
func read(events ...string) *Answer {
	a := &Answer{}
	for _, e := range events {
		a.read(member([]byte(e), "type"), []byte(e), silent)
	}
	return a
}

const (
	startThinking = `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`
	thinks        = `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`
	signs         = `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}`
	startText     = `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","new":1}}`
	says          = `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"yes"}}`
	stopBlock     = `{"type":"content_block_stop","index":0}`
	stopMessage   = `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`
)

func TestWhatMayBeSentBack(t *testing.T) {
	const (
		thought = `{"type":"thinking","thinking":"hm","signature":"c2ln"}`
		said    = `{"type":"text","text":"yes","new":1}`
	)
	f := func(name string, want []string, events ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			got := []string{}
			for _, b := range read(events...).sendable() {
				got = append(got, string(b))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	f("a whole answer, unknown members with it", []string{thought, said}, startThinking, thinks, signs, stopBlock, startText, says, stopBlock, stopMessage)
	f("cut in the text: what came of it", []string{thought, said}, startThinking, thinks, signs, stopBlock, startText, says)
	f("cut before the text: no thinking alone", []string{}, startThinking, thinks, signs, stopBlock, startText)
	f("cut within thinking", []string{}, startThinking, thinks)
	f("cut before the signature", []string{said}, startText, says, stopBlock, startThinking, thinks)
	f("thinking that is not seen has its signature", []string{`{"type":"thinking","thinking":"","signature":"c2ln"}`, said}, startThinking, signs, stopBlock, startText, says, stopBlock)
	f("redacted thinking", []string{`{"type":"redacted_thinking","data":"x"}`, said},
		`{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"x"}}`, stopBlock, startText, says, stopBlock)
	f("events nobody knows", []string{said}, `{"type":"news"}`, `{"type":"content_block_delta","delta":{"type":"text_delta","text":"lost"}}`, startText,
		`{"type":"content_block_delta","delta":{"type":"citations_delta","citation":{}}}`, says, stopBlock, stopBlock)
}

func TestRefusedTurnsAreNotKept(t *testing.T) {
	a := read(startText, says, stopBlock, `{"type":"message_delta","delta":{"stop_reason":"refusal"}}`)
	c := &Conversation{Settings: Settings{Model: "opus"}}
	if c.Add(Prompt{Text: "x"}, a) || c.Len() != 0 {
		t.Error("the turn is kept")
	}
	if want := "the model refused to go on"; a.Remark(c.Settings) != want {
		t.Errorf("remark %q, want %q", a.Remark(c.Settings), want)
	}
}

func TestSummary(t *testing.T) {
	a := &Answer{StopReason: "end_turn", Took: 2140 * time.Millisecond, Target: outcrop.Target{ModelID: "global.anthropic.claude-sonnet-5-5"},
		Usage: outcrop.Usage{InputTokens: 100, CacheReadTokens: 1_100_000, CacheWriteTokens: 4, OutputTokens: 310}}
	// 100 × 2 + 1,100,000 × 0.1 + 4 × 2.5 + 310 × 10 per million
	if want := "1,100,104 in (1,100,000 cached) · 310 out · $0.1133 · 2.1 s"; a.Summary() != want {
		t.Errorf("got  %s\nwant %s", a.Summary(), want)
	}
	a.StopReason, a.Target.ModelID = "", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a"
	if want := "1,100,104 in (1,100,000 cached) · output not counted · 2.1 s"; a.Summary() != want {
		t.Errorf("got  %s\nwant %s", a.Summary(), want)
	}
	for d, want := range map[float64]string{12.345: "$12.35", 0.00412: "$0.0041", 0.00001: "under $0.0001", 0: "$0"} {
		if got := Dollars(d); got != want {
			t.Errorf("Dollars(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestAttach(t *testing.T) {
	f := func(name, file, data, wantKind, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			a, err := Attach(file, strings.NewReader(data))
			if err != nil || a.Kind != wantKind || string(a.Block) != want {
				t.Errorf("Attach = %s %s, %v\nwant %s %s", a.Kind, a.Block, err, wantKind, want)
			}
		})
	}
	f("a PDF, whatever its name", "a.txt", "%PDF-1.4\n", "PDF", `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"},"title":"a.txt"}`)
	f("a PDF with something before it", "a", "\r\n%PDF-", "PDF", `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"DQolUERGLQ=="},"title":"a"}`)
	f("a PNG", "a.pdf", "\x89PNG\r\n\x1a\n", "image", `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}`)
	f("a JPEG", "a", "\xff\xd8\xff\xe0", "image", `{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4A=="}}`)
	f("a GIF", "a", "GIF89a", "image", `{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"R0lGODlh"}}`)
	f("a WebP", "a", "RIFF\x00\x00\x00\x00WEBP", "image", `{"type":"image","source":{"type":"base64","media_type":"image/webp","data":"UklGRgAAAABXRUJQ"}}`)
	f("a text, without its byte order mark", "a.go", "\ufeffpackage é", "text", `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"package é"},"title":"a.go"}`)
}

func TestAttachRefuses(t *testing.T) {
	f := func(name, data, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			if _, err := Attach("a.bin", strings.NewReader(data)); !errors.Is(err, ErrAttachment) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	f("nothing", "", "a.bin: an empty file")
	f("a program", "\x7fELF\x02\x00", "neither a PDF, a PNG, JPEG, GIF or WebP image, nor UTF-8 text")
	f("Latin-1", "caf\xe9", "nor UTF-8 text")
	f("a picture over Claude's limit", "\x89PNG\r\n\x1a\n"+strings.Repeat("x", maxImage), "larger than 5.2 MB")
	f("more than can be sent", strings.Repeat("x", maxFile+1), "larger than 15.0 MB")
}

func TestReadAttachmentChecksBeforeItReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.txt")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(1 << 40); err != nil {
		t.Skip("no sparse files here")
	}
	if _, err := ReadAttachment(t.Context(), path); !errors.Is(err, ErrAttachment) {
		t.Errorf("a terabyte: %v", err)
	}
	if _, err := ReadAttachment(t.Context(), filepath.Dir(path)); !errors.Is(err, ErrAttachment) {
		t.Errorf("a folder: %v", err)
	}
}

func TestFilesTooLargeTogether(t *testing.T) {
	pdf := Attachment{Name: "a.pdf", Block: make([]byte, maxBody/2)}
	files, err := Attached(nil, pdf)
	if err == nil {
		files, err = Attached(files, pdf)
	}
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v; want two that just fit", len(files), err)
	}
	pdf.Block = pdf.Block[:1]
	if files, err = Attached(files, pdf); !errors.Is(err, ErrAttachment) || len(files) != 2 {
		t.Errorf("%d files, %v; want the third refused", len(files), err)
	}
}

func TestMoreThanBedrockTakes(t *testing.T) {
	big, err := Attach("a.pdf", io.MultiReader(strings.NewReader("%PDF-"), bytes.NewReader(make([]byte, 14_000_000))))
	if err != nil {
		t.Fatal(err)
	}
	c := &Conversation{Settings: Settings{Model: "opus"}}
	_, err = c.Invocation(Prompt{Text: "x", Files: []Attachment{big, big}})
	if outcrop.KindOf(err) != outcrop.TooLarge || err.Error() != "the conversation with its files has 37.3 MB; Bedrock takes 20 MB" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Invocation(Prompt{Text: " \n"}); outcrop.KindOf(err) != outcrop.Invalid {
		t.Errorf("blank: %v", err)
	}
}

// FuzzAnswer reads events that no model sends.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(startThinking + "\n" + thinks + "\n" + signs + "\n" + stopBlock + "\n" + startText + "\n" + says + "\n" + stopMessage))
	f.Add([]byte(`{"type":"content_block_start","content_block":"x"}` + "\n" + says + "\n" + `{"type":"content_block_start"}`))
	f.Fuzz(func(t *testing.T, lines []byte) {
		a := &Answer{}
		for line := range bytes.Lines(lines) {
			a.read(member(line, "type"), line, silent)
		}
		c := &Conversation{Settings: Settings{Model: "opus", Cache: true}}
		kept := c.Add(Prompt{Text: "q"}, a)
		if _, err := c.Invocation(Prompt{Text: "next"}); kept && err != nil {
			t.Fatalf("the conversation cannot go on: %v", err)
		}
		a.Summary()
	})
}

func TestAnswerWithoutABeginning(t *testing.T) {
	srv := bedrocktest.NewServer(t)
	srv.Script(bedrocktest.Events(`{"type":"message_stop"}`))
	c := &Conversation{Settings: Settings{Model: "sonnet"}}
	inv, err := c.Invocation(Prompt{Text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := Ask(t.Context(), newClient(t, srv), inv, silent); outcrop.KindOf(err) != outcrop.Interrupted {
		t.Errorf("Ask = %+v, %v; want an answer that is not whole", a, err)
	}
}

func TestAskReportsWhatCameBeforeAnError(t *testing.T) {
	srv := bedrocktest.NewServer(t, bedrocktest.WithChunkDelay(time.Millisecond))
	c := &Conversation{Settings: Settings{Model: "sonnet"}}
	inv, err := c.Invocation(Prompt{Text: "write 5000 words"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var seen strings.Builder
	a, err := Ask(ctx, newClient(t, srv), inv, Reader{Thinking: func(string) {}, Text: func(s string) {
		if seen.WriteString(s); strings.Contains(seen.String(), "rock") {
			cancel()
		}
	}})
	if outcrop.KindOf(err) != outcrop.Canceled || a.Text() != seen.String() || a.Usage.InputTokens == 0 || a.StopReason != "" {
		t.Errorf("Ask = %+v, %v", a, err)
	}
	if !c.Add(Prompt{Text: "write 5000 words"}, a) {
		t.Error("what came is not kept")
	}
	if next := say(t, newClient(t, srv), c, "go on"); !strings.Contains(next.Text(), "this is your turn 2") {
		t.Errorf("the next answer is %q", next.Text())
	}
}

// A signal ends a context with a cause of its own (signal.NotifyContext from Go 1.26 on).
func TestStoppedBeforeAnythingCame(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt signal received"))
	c := &Conversation{Settings: Settings{Model: "sonnet"}}
	inv, err := c.Invocation(Prompt{Text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Ask(ctx, newClient(t, bedrocktest.NewServer(t)), inv, silent)
	if !Stopped(err) || a.Text() != "" {
		t.Errorf("Ask = %+v, %v", a, err)
	}
	if Stopped(outcrop.Errorf(outcrop.Interrupted, "the answer broke off")) {
		t.Error("an answer that broke off was not stopped by anybody")
	}
}
