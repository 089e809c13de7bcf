// Package endpoint finds the base URL of Bedrock in a Region: from AWS's naming rules, or from what was configured
// in their place.
//
//	https://bedrock-runtime.us-east-1.amazonaws.com          the runtime
//	https://bedrock.us-east-1.amazonaws.com                  the control plane
//	https://bedrock-runtime-fips.us-east-1.amazonaws.com     FIPS
//	https://bedrock-runtime.us-east-1.api.aws                dual stack, IPv4 and IPv6
//
// Configured are, the first that is set: Options.BaseURL; AWS_ENDPOINT_URL_BEDROCK_RUNTIME for the runtime or
// AWS_ENDPOINT_URL_BEDROCK for the control plane; AWS_ENDPOINT_URL; the profile's endpoint_url, which whoever
// reads profiles passes in. Of environment and profile, none counts if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is
// true. (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html)
package endpoint

import (
	"errors"
	"fmt"
	"strings"
)

// Options say how Bedrock is reached. The zero Options are AWS's public endpoints, without the environment.
type Options struct {
	// BaseURL is used in place of AWS's endpoint and goes before the environment, if set.
	BaseURL string

	// ProfileRuntimeURL and ProfileControlURL are the endpoint_url of the AWS profile for either
	// service, used where the environment names none.
	ProfileRuntimeURL, ProfileControlURL string

	FIPS      bool // FIPS 140 validated endpoint; also by AWS_USE_FIPS_ENDPOINT=true
	DualStack bool // endpoint with IPv6; also by AWS_USE_DUALSTACK_ENDPOINT=true

	// Getenv reads the environment, as os.Getenv does; nil for no environment.
	Getenv func(string) string
}

// Runtime returns the base URL of Bedrock's runtime (InvokeModel, CountTokens) in the Region, without a slash at
// its end. The Region may be empty if the base URL is configured.
func Runtime(region string, o Options) (string, error) {
	return o.resolve("bedrock-runtime", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", o.ProfileRuntimeURL, region)
}

// Control returns the base URL of Bedrock's control plane (ListInferenceProfiles, GetFoundationModel) in the
// Region, as Runtime does that of the runtime.
func Control(region string, o Options) (string, error) {
	return o.resolve("bedrock", "AWS_ENDPOINT_URL_BEDROCK", o.ProfileControlURL, region)
}

// ErrNoRegion says that a Region is needed to name the endpoint, and none is given.
var ErrNoRegion = errors.New("no Region: set AWS_REGION or a region in the AWS profile")

func (o Options) resolve(service, variable, profileURL, region string) (string, error) {
	if region != "" {
		if err := CheckRegion(region); err != nil {
			return "", err
		}
	}
	fips := o.FIPS || o.flag("AWS_USE_FIPS_ENDPOINT")
	dualStack := o.DualStack || o.flag("AWS_USE_DUALSTACK_ENDPOINT")

	if base, source := o.configured(variable, profileURL); base != "" {
		switch { // AWS's clients refuse these too: the flags would be silently without effect
		case fips:
			return "", fmt.Errorf("%s is set together with FIPS: give the URL of a FIPS endpoint and drop the flag", source)
		case dualStack:
			return "", fmt.Errorf("%s is set together with dual stack: give the URL of a dual-stack endpoint and drop the flag", source)
		}
		base, err := checkBaseURL(base)
		if err != nil {
			return "", fmt.Errorf("%s: %w", source, err)
		}
		return base, nil
	}
	if region == "" {
		return "", ErrNoRegion
	}
	return "https://" + host(service, region, fips, dualStack), nil
}

func host(service, region string, fips, dualStack bool) string {
	p := partitionOf(region)
	if fips {
		service += "-fips"
	}
	suffix := p.DNSSuffix
	if dualStack {
		suffix = p.DualStackDNSSuffix
	}
	return service + "." + region + "." + suffix
}

// configured returns the base URL that was configured and where, "" if none was.
func (o Options) configured(variable, profileURL string) (base, source string) {
	if o.BaseURL != "" {
		return o.BaseURL, "base URL"
	}
	if o.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return "", ""
	}
	for _, name := range [...]string{variable, "AWS_ENDPOINT_URL"} {
		if base := o.getenv(name); base != "" {
			return base, name
		}
	}
	if profileURL != "" {
		return profileURL, "endpoint_url of the profile"
	}
	return "", ""
}

func (o Options) flag(name string) bool { return strings.EqualFold(o.getenv(name), "true") }

func (o Options) getenv(name string) string {
	if o.Getenv == nil {
		return ""
	}
	return o.Getenv(name)
}
