package endpoint

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// checkBaseURL returns base without slashes at its end, or what is wrong with it. A path prefix is kept.
// The error does not repeat the URL, which may hold a password.
func checkBaseURL(base string) (string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return "", errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "":
		return "", errors.New("must begin with https:// or http://")
	case u.User != nil:
		return "", errors.New("must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery:
		return "", errors.New("must not hold a query")
	case strings.Contains(base, "#"): // net/url does not tell an empty fragment
		return "", errors.New("must not hold a fragment")
	case u.Hostname() == "":
		return "", errors.New("names no host")
	case !validPort(u):
		return "", errors.New("has a port that is not a number from 1 to 65535")
	}
	path := u.EscapedPath()
	if hasDotSegment(u.Path) || strings.Contains(strings.TrimRight(path, "/"), "//") {
		return "", errors.New("has a path with empty, '.' or '..' segments")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(path, "/"), nil
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
