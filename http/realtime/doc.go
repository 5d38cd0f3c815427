// Package realtime speaks with the provider of realtime speech: it mints
// tokens, hangs calls up, and decodes the events of a call.
//
// The conversation itself never passes through here. A browser talks WebRTC
// straight to the provider with a token that [Client.Mint] fetched for one
// call, and hands the provider's events back as it received them. [Decode]
// turns each of them into one closed set of values, whichever of the two
// generations of event names the provider uses, so that the record of a
// session has one author: the server.
//
// Two things in here are secret. The API key goes out in one header of the
// requests to the configured base URL and nowhere else; redirects are not
// followed. A token's value is a [Secret]: whatever prints, logs or marshals
// it gets a placeholder, and only Reveal gives it away.
//
// Source: OpenAI's API reference, "Realtime" (client secrets, calls, client
// and server events), specification 2.3.0, and the recorded conversations
// under testdata/captures.
package realtime
