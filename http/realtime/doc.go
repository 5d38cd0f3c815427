// Package realtime speaks with the provider of realtime speech: it mints
// tokens, listens to calls, hangs them up, and decodes their events.
//
// The conversation itself never passes through here. A browser talks WebRTC
// straight to the provider with a token that [Client.Mint] fetched for one
// call, and hands the provider's events back as it received them. [Decode]
// turns each of them into one closed set of values, whichever of the two
// generations of event names the provider uses, so that the record of a
// session has one author: the server.
//
// Besides, [Client.Listen] opens the provider's sideband to a call, so that the
// transcript is whole although the tab died. The call's id comes from the
// browser and is no proof of anything: what is heard is believed only when the
// call shows the mark that its token was minted with.
//
// Servers differ: see [Dialect]. Where one mints no tokens, [Client.Calls]
// stands between it and the browser.
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
