// Package credential finds what an AWS call is signed with: a Bedrock API key, or access keys from
// AWS's own chain (environment, profiles, IAM Identity Center, roles, containers, EC2), by AWS's
// own library.
package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// BearerEnv is the environment variable that holds a Bedrock API key. It wins over access keys, as
// in AWS's SDKs.
const BearerEnv = "AWS_BEARER_TOKEN_BEDROCK"

// Credentials are what one request is authorised with: APIKey, or else the keys.
type Credentials struct {
	APIKey sigv4.Secret
	Keys   sigv4.Credentials
}

// A Source hands out credentials. It is safe for concurrent use.
type Source interface {
	// Retrieve returns credentials that are good now. It may wait for a refresh.
	Retrieve(context.Context) (Credentials, error)
	// Invalidate forgets what is cached, if it is still the access key that AWS refused: of many
	// requests that were refused together, one has it fetched anew.
	Invalidate(accessKeyID string)
}

// Static returns a Source of credentials that never change.
func Static(c Credentials) Source { return static{c} }

type static struct{ c Credentials }

func (s static) Retrieve(context.Context) (Credentials, error) { return s.c, nil }
func (s static) Invalidate(string)                             {}

// FromProvider returns a Source that caches what p provides, refreshes it before it expires, and
// asks p once for many callers.
func FromProvider(p aws.CredentialsProvider) Source {
	cache, ok := p.(*aws.CredentialsCache)
	if !ok {
		cache = aws.NewCredentialsCache(p, func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow = expiryWindow
			o.ExpiryWindowJitterFrac = 0.5
		})
	}
	return &provider{cache: cache}
}

// expiryWindow is how long before their end credentials are refreshed. A long answer needs none of
// it: a request is signed once, at its start.
const expiryWindow = 5 * time.Minute

type provider struct {
	cache *aws.CredentialsCache

	mu      sync.Mutex
	current string // the access key handed out last; "" if it was invalidated
}

func (p *provider) Retrieve(ctx context.Context) (Credentials, error) {
	c, err := p.cache.Retrieve(ctx)
	if err != nil {
		return Credentials{}, fmt.Errorf("get AWS credentials: %w", err)
	}
	p.mu.Lock()
	p.current = c.AccessKeyID
	p.mu.Unlock()
	return Credentials{Keys: sigv4.NewCredentials(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)}, nil
}

func (p *provider) Invalidate(accessKeyID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == accessKeyID {
		p.current = ""
		p.cache.Invalidate()
	}
}

// ErrNoRegion says that neither options, environment nor profile name a Region.
var ErrNoRegion = errors.New("no AWS Region: set AWS_REGION, a region in the profile (AWS_PROFILE), or name one (--region, WithRegion)")

// Found is what Default finds.
type Found struct {
	Source Source
	Region string

	// From the profile; "" and false if it does not say.
	RuntimeURL, ControlURL string // endpoint_url
	FIPS, DualStack        bool
}

// Default finds Region, credentials and endpoints as AWS's SDKs do, from environment and shared
// files; a region that is not "" wins. Endpoints of the environment are not looked at. No
// credentials are fetched yet: that happens at the first Retrieve.
func Default(ctx context.Context, region string, getenv func(string) string) (Found, error) {
	key := getenv(BearerEnv)
	if key != "" && region != "" && getenv("AWS_PROFILE") == "" {
		return Found{Source: bearer(key), Region: region}, nil // nothing else is needed
	}
	var opts []func(*config.LoadOptions) error
	if region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return Found{}, fmt.Errorf("read AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return Found{}, ErrNoRegion
	}
	found := Found{Source: FromProvider(cfg.Credentials), Region: cfg.Region}
	if key != "" {
		found.Source = bearer(key)
	}
	for _, source := range cfg.ConfigSources {
		if profile, ok := source.(config.SharedConfig); ok {
			found.readProfile(ctx, profile)
		}
	}
	return found, nil
}

func bearer(key string) Source { return Static(Credentials{APIKey: sigv4.NewSecret(key)}) }

// readProfile takes over what the profile says of endpoints: a service's own before the general.
func (f *Found) readProfile(ctx context.Context, profile config.SharedConfig) {
	f.FIPS = profile.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled
	f.DualStack = profile.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled
	if ignore := profile.IgnoreConfiguredEndpoints; ignore != nil && *ignore {
		return
	}
	runtime, _, _ := profile.GetServiceBaseEndpoint(ctx, "Bedrock Runtime") // never fails
	control, _, _ := profile.GetServiceBaseEndpoint(ctx, "Bedrock")
	f.RuntimeURL, f.ControlURL = cmp.Or(runtime, profile.BaseEndpoint), cmp.Or(control, profile.BaseEndpoint)
}
