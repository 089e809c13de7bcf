// Package sigv4 signs and verifies requests by AWS Signature Version 4, as Bedrock wants it, and makes and
// verifies short-term Bedrock API keys, which are such signatures in disguise.
//
//	canonical request            string to sign               Authorization
//	+----------------------+     +----------------------+     AWS4-HMAC-SHA256
//	| POST                 |     | AWS4-HMAC-SHA256     |     Credential=KEY/20261120/us-east-1/bedrock/aws4_request,
//	| /model/a%253A0/invoke|     | 20261120T120000Z     |     SignedHeaders=content-type;host;x-amz-date,
//	| a=1&b=2              |     | 20261120/us-east-1/  |     Signature=hex(HMAC(day key, string to sign))
//	| content-type:…       |     |  bedrock/aws4_request|
//	| host:…               |     | hex(SHA-256(canonical|     day key = HMAC(HMAC(HMAC(HMAC("AWS4"+secret,
//	| x-amz-date:…         |  +->|             request))|       date), Region), service), "aws4_request")
//	|                      |  |  +----------------------+
//	| content-type;host;…  |  |
//	| hex(SHA-256(body))   |--+
//	+----------------------+
//
// What is particular to Bedrock: the path of the canonical request is the path as it is on the wire, runs of
// slashes collapsed, percent-encoded once more, so that "%3A" becomes "%253A" and a bare ":" becomes "%3A".
// Bedrock's own error messages show that form. The body is always hashed; UNSIGNED-PAYLOAD is not known to be
// accepted by Bedrock and is refused by the Verifier.
//
// The algorithm is AWS's, https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	// stampFormat is ISO 8601's basic format, the only one AWS takes. Its first eight bytes are the scope's date.
	stampFormat = "20060102T150405Z"
	dateLen     = len("20060102")
)

// EmptyHash is HashHex of an empty body.
const EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// HashHex returns the SHA-256 of a body, given in one piece or more, in lower-case hex, as Signer.Sign takes it.
func HashHex(pieces ...[]byte) string {
	h := sha256.New()
	for _, piece := range pieces {
		h.Write(piece)
	}
	return hex.EncodeToString(h.Sum(make([]byte, 0, sha256.Size)))
}
