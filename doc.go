// Package outcrop calls Claude on Amazon Bedrock.
//
// A Client signs requests, finds the inference profile for a model and Region, shapes the request
// for the model, retries what is worth it, and reads AWS's event stream:
//
//	client, err := outcrop.New(ctx)
//	if err != nil {
//		return err
//	}
//	anthropic := &http.Client{Transport: client.RoundTripper()}
//	resp, err := anthropic.Post("https://api.anthropic.com/v1/messages", "application/json", body)
//
// RoundTripper answers requests of the Anthropic Messages API, so that any Anthropic client that
// takes an HTTP client runs on Bedrock unchanged. InvokeModel, InvokeModelWithResponseStream and
// CountTokens are Bedrock's own operations.
//
// # Region and credentials
//
// Without options, New finds both as AWS's SDKs do, in this order:
//
//  1. AWS_BEARER_TOKEN_BEDROCK, a Bedrock API key
//  2. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN
//  3. the profile AWS_PROFILE in ~/.aws/config and ~/.aws/credentials: keys, IAM Identity Center,
//     aws login, roles, credential_process
//  4. web identity, container and EC2 roles
//
// The Region is WithRegion's, AWS_REGION's or the profile's. AWS_ENDPOINT_URL_BEDROCK_RUNTIME,
// AWS_ENDPOINT_URL_BEDROCK and AWS_ENDPOINT_URL name other endpoints. WithGateway takes an Outcrop gateway
// in place of it all.
//
// # Errors
//
// Every operation returns an *Error, whose Kind says what to do about it and which keeps AWS's
// code, message and request ID word for word. A streamed answer that breaks, falls silent or ends
// before message_stop is an error, never a short success.
//
// # Testing
//
// Package bedrocktest is a Bedrock for tests, as net/http/httptest is a web server.
package outcrop
