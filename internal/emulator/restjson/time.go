package restjson

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator/wording"
)

// maxUnix is the last second of the year 9999, the last that the text formats can write.
const maxUnix = 253402300799

// Where a model names no format for a timestamp, the place decides.
const (
	inBody   = "unixTimestamp"
	inHeader = "rfc822"
	inURI    = "iso8601" // also in the query
)

func formatOf(s *shape, place string) string {
	if s.timestampFormat != "" {
		return s.timestampFormat
	}
	return place
}

// parseTime reads a timestamp that stands as text.
func parseTime(format, text string) (any, error) {
	var t time.Time
	var err error
	switch format {
	case "iso8601":
		t, err = time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	case "rfc822":
		t, err = parseHTTPDate(text)
	default:
		return unixTime(text)
	}
	if err != nil || t.Unix() > maxUnix || t.Unix() < -maxUnix {
		return nil, badTime(text)
	}
	return t.UTC(), nil
}

// parseHTTPDate takes HTTP's three forms of a date, and fractions of a second.
func parseHTTPDate(text string) (time.Time, error) {
	if t, err := http.ParseTime(text); err == nil {
		return t, nil
	}
	return time.Parse("Mon, 02 Jan 2006 15:04:05.999999999 GMT", text)
}

func formatTime(format string, t time.Time) string {
	t = t.UTC()
	switch format {
	case "iso8601":
		return t.Format("2006-01-02T15:04:05.999999999Z")
	case "rfc822":
		return t.Format(http.TimeFormat)
	}
	text := strconv.FormatInt(t.Unix(), 10)
	if ms := t.Nanosecond() / int(time.Millisecond); ms != 0 {
		text = strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
	}
	return text
}

func badTime(text string) error {
	return &SyntaxError{wording.Say("restjson_bad_timestamp", "value", cut(text))}
}
