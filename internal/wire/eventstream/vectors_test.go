package eventstream

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unmarshal(t *testing.T, name string, v any) {
	t.Helper()
	if err := json.Unmarshal(testdata(t, name), v); err != nil {
		t.Fatalf("testdata/%s: %v", name, err)
	}
}

// checkVector reads the message from encoded, compares it, and writes it anew.
func checkVector(t *testing.T, encoded []byte, headers []Header, payload []byte) {
	t.Helper()
	r := NewReader(bytes.NewReader(encoded))
	m, err := r.Next()
	if err != nil {
		t.Fatalf("Next() on %x: %v", encoded, err)
	}
	if !bytes.Equal(m.Raw(), encoded) {
		t.Errorf("Raw() = %x, want %x", m.Raw(), encoded)
	}
	if !bytes.Equal(m.Payload(), payload) {
		t.Errorf("Payload() = %q, want %q", m.Payload(), payload)
	}
	if diff := cmp.Diff(headers, headersOf(m)); diff != "" {
		t.Errorf("Headers() differ (-want +got):\n%s", diff)
	}
	for _, h := range headers {
		if got, ok := m.Header(h.Name); !ok || !got.Equal(h.Value) {
			t.Errorf("Header(%q) = %v, %t; want %v", h.Name, got, ok, h.Value)
		}
	}
	if again, err := Append(nil, headers, payload); err != nil || !bytes.Equal(again, encoded) {
		t.Errorf("Append(%v) = %x, %v; want %x", headers, again, err, encoded)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("Next() after the message: %v, want io.EOF", err)
	}
}

// headersOf returns the headers of m, valid as long as m.
func headersOf(m Message) (all []Header) {
	for name, v := range m.Headers() {
		all = append(all, Header{name, v})
	}
	return all
}

func TestVectorsOfAWSSDKGo(t *testing.T) {
	var vectors struct {
		Positive []struct {
			Name    string
			Encoded []byte `json:"encoded_b64"`
			Decoded struct {
				Headers []struct {
					Name  string
					Type  Type
					Value json.RawMessage
				}
				Payload []byte
			}
		}
		Negative []struct {
			Name    string
			Encoded []byte `json:"encoded_b64"`
		}
	}
	unmarshal(t, "aws-sdk-go.json", &vectors)
	if len(vectors.Positive) != 5 || len(vectors.Negative) != 4 {
		t.Fatalf("got %d and %d vectors, want 5 and 4", len(vectors.Positive), len(vectors.Negative))
	}
	t.Log("9 messages: 5 read and written, 4 damaged ones refused, none excluded")
	for _, v := range vectors.Positive {
		t.Run(v.Name, func(t *testing.T) {
			var headers []Header
			for _, h := range v.Decoded.Headers {
				headers = append(headers, Header{h.Name, jsonValue(t, h.Type, h.Value)})
			}
			checkVector(t, v.Encoded, headers, v.Decoded.Payload)
		})
	}
	for _, v := range vectors.Negative {
		t.Run(v.Name, func(t *testing.T) {
			_, err := NewReader(bytes.NewReader(v.Encoded)).Next()
			if !errors.Is(err, ErrChecksum) {
				t.Errorf("Next() = %v, want ErrChecksum", err)
			}
		})
	}
}

// jsonValue makes a value of what the vectors of aws-sdk-go write for one.
func jsonValue(t *testing.T, typ Type, raw json.RawMessage) Value {
	t.Helper()
	var number int64
	var data []byte
	var err error
	switch typ {
	case TypeTrue, TypeFalse:
		return Bool(typ == TypeTrue)
	case TypeBytes, TypeString, TypeUUID:
		err = json.Unmarshal(raw, &data)
	default:
		err = json.Unmarshal(raw, &number)
	}
	if err != nil {
		t.Fatalf("vector's value %s of type %v: %v", raw, typ, err)
	}
	switch typ {
	case TypeInt8:
		return Int8(int8(number))
	case TypeInt16:
		return Int16(int16(number))
	case TypeInt32:
		return Int32(int32(number))
	case TypeInt64:
		return Int64(number)
	case TypeBytes:
		return Bytes(data)
	case TypeString:
		return String(string(data))
	case TypeTimestamp:
		return Timestamp(time.UnixMilli(number))
	case TypeUUID:
		return UUID([16]byte(data))
	}
	t.Fatalf("vector has a header of %v", typ)
	return Value{}
}

func TestVectorsOfBotocore(t *testing.T) {
	var vectors struct {
		Positive []struct {
			Name    string
			Encoded []byte `json:"encoded_b64"`
			Payload []byte `json:"payload_b64"`
		}
		Negative []struct {
			Name      string
			Encoded   []byte `json:"encoded_b64"`
			Fill      string
			FillCount int `json:"fill_count"`
			Error     string
		}
	}
	unmarshal(t, "botocore.json", &vectors)
	// Written out, as the file's numbers do not say their types.
	headers := map[string][]Header{
		"EMPTY_MESSAGE":          nil,
		"INT8_HEADER":            {{"byte", Int8(-1)}},
		"INT16_HEADER":           {{"short", Int16(-1)}},
		"INT32_HEADER":           {{"integer", Int32(-1)}},
		"INT64_HEADER":           {{"long", Int64(-1)}},
		"PAYLOAD_NO_HEADERS":     nil,
		"PAYLOAD_ONE_STR_HEADER": {{"content-type", String("application/json")}},
		"ALL_HEADERS_TYPES": {
			{"0", Bool(true)}, {"1", Bool(false)}, {"2", Int8(2)}, {"3", Int16(3)}, {"4", Int32(4)}, {"5", Int64(5)},
			{"6", Bytes([]byte("bytes"))}, {"7", String("utf8")}, {"8", Timestamp(time.UnixMilli(8))},
			{"9", UUID([16]byte([]byte("0123456789abcdef")))},
		},
		"ERROR_EVENT_MESSAGE": {
			{":message-type", String("error")}, {":error-code", String("code")}, {":error-message", String("message")},
		},
	}
	if len(vectors.Positive) != len(headers) || len(vectors.Negative) != 7 {
		t.Fatalf("got %d and %d vectors, want %d and 7", len(vectors.Positive), len(vectors.Negative), len(headers))
	}
	t.Log("16 messages: 9 read and written, 7 damaged ones refused, none excluded")
	for _, v := range vectors.Positive {
		t.Run(v.Name, func(t *testing.T) {
			want, ok := headers[v.Name]
			if !ok {
				t.Fatal("no headers are written down for it")
			}
			checkVector(t, v.Encoded, want, v.Payload)
		})
	}
	wants := map[string]error{
		"ChecksumMismatch": ErrChecksum, "DuplicateHeader": ErrHeader,
		"InvalidHeadersLength": ErrLength, "InvalidPayloadLength": ErrLength,
	}
	for _, v := range vectors.Negative {
		t.Run(v.Name, func(t *testing.T) {
			end := len(v.Encoded) - crcLen
			_, err := NewReader(io.MultiReader(
				bytes.NewReader(v.Encoded[:end]),
				bytes.NewReader(bytes.Repeat([]byte(v.Fill), v.FillCount)),
				bytes.NewReader(v.Encoded[end:]))).Next()
			if want := wants[v.Error]; want == nil || !errors.Is(err, want) {
				t.Errorf("Next() = %v, want %v (botocore: %s)", err, want, v.Error)
			}
		})
	}
}

func TestVectorsOfBedrock(t *testing.T) {
	var vectors []struct {
		Name, Hex, Payload string
		Headers            map[string]string
	}
	unmarshal(t, "bedrock.json", &vectors)
	if len(vectors) != 25 {
		t.Fatalf("got %d vectors, want 25", len(vectors))
	}
	t.Log("25 messages: read and written, none excluded")
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			encoded, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			m, err := NewReader(bytes.NewReader(encoded)).Next()
			if err != nil {
				t.Fatalf("Next(): %v", err)
			}
			got := make(map[string]string)
			for name, value := range m.Headers() {
				got[name] = value.String()
			}
			if diff := cmp.Diff(v.Headers, got); diff != "" {
				t.Errorf("Headers() differ (-want +got):\n%s", diff)
			}
			if string(m.Payload()) != v.Payload {
				t.Errorf("Payload() = %s, want %s", m.Payload(), v.Payload)
			}
			if again, err := Append(nil, headersOf(m), m.Payload()); err != nil || !bytes.Equal(again, encoded) {
				t.Errorf("Append = %x, %v; want %x", again, err, encoded)
			}
		})
	}
}

func TestRecordedStreams(t *testing.T) {
	f := func(name string, messages int, first, last string) {
		t.Helper()
		stream := testdata(t, name)
		all := raws(t, stream)
		if len(all) != messages {
			t.Fatalf("%s: %d messages, want %d", name, len(all), messages)
		}
		if got := bytes.Join(all, nil); !bytes.Equal(got, stream) {
			t.Errorf("%s: the messages' Raw joined differ from the stream", name)
		}
		for i, want := range map[int]string{0: first, messages - 1: last} {
			m, err := NewReader(bytes.NewReader(all[i])).Next()
			if err != nil {
				t.Fatal(err)
			}
			if got := string(m.Text(":event-type")) + " " + decoded(t, m.Payload()); !bytes.Contains([]byte(got), []byte(want)) {
				t.Errorf("%s: message %d is %s, want it to hold %s", name, i, got, want)
			}
		}
	}
	f("claude-invoke.bin", 31, `"type":"message_start"`, `"amazon-bedrock-invocationMetrics"`)
	f("claude-converse.bin", 8, `messageStart {"p"`, `metadata {"metrics"`)
}

// decoded returns the event within a chunk, or the payload if it is not a chunk's.
func decoded(t *testing.T, payload []byte) string {
	t.Helper()
	var chunk struct{ Bytes string }
	if err := json.Unmarshal(payload, &chunk); err != nil {
		t.Fatalf("payload %s: %v", payload, err)
	}
	if chunk.Bytes == "" {
		return string(payload)
	}
	event, err := base64.StdEncoding.DecodeString(chunk.Bytes)
	if err != nil {
		t.Fatalf("payload %s: %v", payload, err)
	}
	return string(event)
}
