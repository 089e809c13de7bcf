package outcrop

import (
	"cmp"
	"context"
	"encoding/base64"

	"github.com/outcrop-dev/outcrop/internal/shaping"
	"github.com/outcrop-dev/outcrop/internal/wire/jsonedit"
)

// CountTokens asks Bedrock how many input tokens inv would use. inv is the invocation to be counted,
// of InvokeModel or its stream, and not yet one of CountTokens. It is free of charge. Models that
// Bedrock serves by inference profile only (Claude 4.7 and later) refuse it: "The provided model
// doesn't support counting tokens."
func (c *Client) CountTokens(ctx context.Context, inv *Invocation) (int, error) {
	if inv.Operation == CountTokens {
		return 0, Errorf(Invalid, "CountTokens takes the invocation that is to be counted; Do sends one of CountTokens")
	}
	count, err := countInvocation(inv)
	if err != nil {
		return 0, err
	}
	answer, err := c.Do(ctx, count)
	if err != nil {
		return 0, err
	}
	return inputTokens(answer)
}

// inputTokens reads {"inputTokens":n}.
func inputTokens(answer *Response) (int, error) {
	raw, _ := jsonedit.Member(answer.Body, "inputTokens")
	n, ok := jsonedit.Int(raw)
	if !ok {
		return 0, &Error{Kind: Interrupted, Message: "the answer has no inputTokens", RequestID: answer.RequestID}
	}
	return int(n), nil
}

// countInvocation wraps an InvokeModel invocation into one of CountTokens. The wrapped body must be
// one that InvokeModel takes, so it gets the model's anthropic_version, and a max_tokens where it has
// none; betas are left away, since they do not change what is counted and CountTokens refuses most.
func countInvocation(inv *Invocation) (*Invocation, error) {
	object, err := inv.edit()
	if err != nil {
		return nil, err
	}
	object.Delete("anthropic_beta")
	shaping.Shape(shaping.Request{ModelID: inv.Model, Body: object, Version: cmp.Or(inv.Version, "2023-06-01")})
	if _, ok := object.Get("max_tokens"); !ok {
		object.Set("max_tokens", []byte("1"))
	}
	body := object.AppendTo(make([]byte, 0, object.Len()))

	wrapped := make([]byte, 0, base64.StdEncoding.EncodedLen(len(body))+64)
	wrapped = append(wrapped, `{"input":{"invokeModel":{"body":"`...)
	wrapped = base64.StdEncoding.AppendEncode(wrapped, body)
	wrapped = append(wrapped, `"}}}`...)
	return &Invocation{Operation: CountTokens, Model: inv.Model, Body: wrapped, Header: inv.Header}, nil
}
