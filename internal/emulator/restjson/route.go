package restjson

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// A route is an operation's method and requestUri: POST /model/{modelId}/invoke.
type route struct {
	method string
	labels []string
	path   func() *regexp.Regexp // compiled when it is first asked for
}

var labelPattern = regexp.MustCompile(`\{([^{}+]+)\+?\}`)

func newRoute(method, uri string) route {
	path, _, _ := strings.Cut(uri, "?")
	r := route{method: method}
	for _, m := range labelPattern.FindAllStringSubmatch(path, -1) {
		r.labels = append(r.labels, m[1])
	}
	r.path = sync.OnceValue(func() *regexp.Regexp {
		literals := labelPattern.Split(path, -1)
		for i, l := range literals {
			literals[i] = regexp.QuoteMeta(l)
		}
		if len(r.labels) == 0 {
			return regexp.MustCompile(`^` + literals[0] + `/?$`)
		}
		return regexp.MustCompile(`^` + strings.Join(literals, `(.+)`) + `$`)
	})
	return r
}

// Match reports whether a request by that method to that path, as it stands on the wire, is for the
// operation, and returns the path's labels, percent-decoded once. The slash of an ARN in a label may be
// "/" or "%2F": AWS takes both.
func (o *Operation) Match(method, path string) (labels map[string]string, ok bool) {
	if method != o.route.method {
		return nil, false
	}
	found := o.route.path().FindStringSubmatch(path)
	if found == nil {
		return nil, false
	}
	labels = map[string]string{}
	for i, name := range o.route.labels {
		value, err := url.PathUnescape(found[i+1])
		if err != nil {
			return nil, false // no path of net/http's
		}
		labels[name] = value
	}
	return labels, true
}
