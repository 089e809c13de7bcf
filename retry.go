package outcrop

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// maxAttempts is how often one invocation is sent to one target at most, as in AWS's SDKs.
const maxAttempts = 3

// maxWait is the longest that a retry waits for because the upstream asks for it. What takes longer
// is the client's to wait for, who is told.
const maxWait = 5 * time.Second

// pause says how long to wait before attempt number next (2 is the first retry) after an error of
// kind, and whether to try at all. random is in [0, 1). Throttles wait longer: Bedrock's quotas are
// per minute (AWS SDKs: rand × 2^n seconds).
func pause(kind Kind, next int, random float64) (time.Duration, bool) {
	if next > maxAttempts {
		return 0, false
	}
	base := 50 * time.Millisecond
	if kind == Throttled {
		base = time.Second
	}
	switch facets[kind].retry {
	case retryAfterPause:
		return time.Duration(random * float64(base<<(next-1))), true
	case retryOnce:
		if next == 2 {
			return time.Duration(random * float64(base)), true
		}
	case retryRefreshed:
		return 0, next == 2
	}
	return 0, false
}

// A retryBudget keeps retries from multiplying an outage: each takes tokens that only successes
// bring back. The figures are those of AWS's SDKs (aws-sdk-go-v2 aws/ratelimit, 2026).
type retryBudget struct {
	mu    sync.Mutex
	spent int
}

const (
	budgetTokens  = 500
	tokensPerTry  = 5
	tokensPerGood = 1
)

func (b *retryBudget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+tokensPerTry > budgetTokens {
		return false
	}
	b.spent += tokensPerTry
	return true
}

// succeeded brings tokens back: all that the invocation's own retries took, or one.
func (b *retryBudget) succeeded(attempts int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-max(tokensPerGood, (attempts-1)*tokensPerTry))
}

// try calls attempt until it succeeds, fails for good, or has been called maxAttempts times, and
// returns how often. It is the one place that retries.
func (c *Client) try(ctx context.Context, attempt func() error) (attempts int, err error) {
	for attempts = 1; ; attempts++ {
		err = attempt()
		if err == nil {
			c.budget.succeeded(attempts)
			return attempts, nil
		}
		e := AsError(err)
		wait, again := pause(e.Kind, attempts+1, rand.Float64())
		if !again || e.permanent || c.gateway && e.Status != 0 || e.retryAfter > maxWait || !c.budget.take() {
			return attempts, err
		}
		if facets[e.Kind].retry == retryRefreshed {
			c.credentials.Invalidate(e.rejected)
		}
		if !sleep(ctx, max(wait, e.retryAfter)) {
			return attempts, err
		}
	}
}

// sleep waits for d and reports whether ctx allowed it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
