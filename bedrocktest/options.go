package bedrocktest

import (
	"log/slog"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

// An Option changes what Server is made.
type Option func(*options)

type options struct {
	region, account, sessionToken string
	profiles                      []emulator.ApplicationProfile
	retired                       bool
	dataRetention                 string
	logger                        *slog.Logger
	chunkDelay                    time.Duration
	now                           func() time.Time
}

// WithRegion puts the Server into a Region other than us-east-1: which inference profiles it has, and
// which Region signatures and API keys must be for, depends on it.
func WithRegion(region string) Option { return func(o *options) { o.region = region } }

// WithAccountID gives the Server an AWS account other than 123456789012.
func WithAccountID(id string) Option { return func(o *options) { o.account = id } }

// WithSessionToken makes the Server's access key a temporary one, which needs this token.
func WithSessionToken(token string) Option { return func(o *options) { o.sessionToken = token } }

// WithApplicationProfile adds an application inference profile, which is called by its ARN:
//
//	"arn:aws:bedrock:" + srv.Region + ":" + srv.AccountID + ":application-inference-profile/" + id
//
// source is the ID or ARN of the foundation model or system-defined profile that it is copied from. One
// that the Region does not have fails the test.
func WithApplicationProfile(id, source string) Option {
	return func(o *options) {
		o.profiles = append(o.profiles, emulator.ApplicationProfile{ID: id, Source: source})
	}
}

// WithRetiredModels makes the Server serve models that have reached their end of life, as if they were
// active: to play what was recorded of them.
func WithRetiredModels() Option { return func(o *options) { o.retired = true } }

// WithDataRetention gives the account a data retention mode: with default it may not use the models
// that ask for aws_review or provider_data_share, Fable among them. Without this option it may.
func WithDataRetention(mode string) Option { return func(o *options) { o.dataRetention = mode } }

// WithChunkDelay makes the model take that long for each chunk of a stream.
func WithChunkDelay(d time.Duration) Option { return func(o *options) { o.chunkDelay = d } }

// WithLogger has the Server log a line for each request, without content.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithClock gives the Server another clock, by which it judges signatures, keys and the prompt cache's
// age. It is called from several goroutines.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }
