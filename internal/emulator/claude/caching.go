package claude

import "slices"

// breakpointLimit is how many blocks may carry cache_control.
const breakpointLimit = 4

// breakpoints returns every cache_control in the order in which prefixes are cached: tools, system,
// messages, and the automatic one.
func (r *Request) breakpoints() []breakpoint {
	var out []breakpoint
	for _, t := range r.tools {
		if t.cache != nil {
			out = append(out, breakpoint{*t.cache, t.path})
		}
	}
	for b := range r.blocks() {
		out = append(out, b.breakpoints()...)
	}
	if r.autoCache != nil {
		out = append(out, breakpoint{cacheControl: *r.autoCache})
	}
	return out
}

// cachedTextIsThere: an empty text ends no prefix.
func cachedTextIsThere(r *Request, _ Setting) error {
	for b := range r.blocks() {
		if b.cache != nil && b.kind() == "text" && b.text("text") == "" {
			return refuse("cache_empty_text", "path", b.path)
		}
	}
	return nil
}

func breakpointsAreFew(r *Request, _ Setting) error {
	if n := len(r.breakpoints()); n > breakpointLimit {
		return refuse("cache_too_many", "limit", breakpointLimit, "found", n)
	}
	return nil
}

// ttlsAreTheModels: an hour is kept from 4.5 on.
func ttlsAreTheModels(r *Request, in Setting) error {
	for _, b := range r.breakpoints() {
		if b.hour && !slices.Contains(in.Model.CacheTTLs, "1h") {
			return refuse("extra_inputs", "path", b.member()+".ephemeral.ttl")
		}
	}
	return nil
}

// ttlsFall: what is kept for an hour stands before what is kept for five minutes.
func ttlsFall(r *Request, _ Setting) error {
	short := false
	for _, b := range r.breakpoints() {
		if b.hour && short {
			return refuse("cache_ttl_order", "path", b.member()+".ttl")
		}
		short = short || !b.hour
	}
	return nil
}

// member returns the path of the cache_control.
func (b breakpoint) member() string {
	if b.path == "" {
		return "cache_control"
	}
	return b.path + ".cache_control"
}
