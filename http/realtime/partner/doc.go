// Package partner is the built-in practice partner: a local server that
// speaks the provider's realtime protocol over real WebRTC, so that Parley
// runs whole without a key.
//
// It is a model of the provider's server and not a player of scripts. A token
// opens one call, once, and expires. A call answers an SDP offer with all
// candidates inline, takes the learner's Opus apart for turn detection by
// level, emits the provider's events on the data channel "oai-events" in the
// provider's order and with its rules: one response at a time, no commit of
// an empty buffer, speaking in clears, cancels and truncates, a second
// hang-up is 404.
//
// It knows every event that the provider's published protocol lets a client
// send. An item can be retrieved, without its sound, and truncated, which loses
// its words. Sound can be appended as audio/pcm, over the sideband too, where
// one event may have 256 KiB: it takes its place in the learner's audio behind
// what is there, and nothing answers. A response can be text, have metadata and
// a limit of tokens, answer an input of its own, and stay apart from the
// conversation: then it makes no item, runs beside others, and speaking in
// leaves it alone. Its instructions count in what it costs, and its voice is
// told; no line changes for them. Tools, prompts and reasoning are taken and not
// minded. An item that clients create is text.
//
// What it cannot do is hear words. The learner is shown a few lines to choose
// from, and what she said is taken to be the line she chose, marked
// "prompted", if her speech lasted half to twice as long as the line takes.
// What she types is what she typed.
//
// From the outside in:
//
//	Partner       HTTP routes, tokens, running calls, one UDP port
//	call          one WebRTC connection: packets in, packets out, messages
//	conversation  the protocol: pure, driven in steps of 20 ms, no clock
//	ear, detector what the learner's packets sound like; where she begins and ends
//	mouth         the tutor's packets, one a step
//	lesson        where in the script the two of them are
//
// A conversation counts time in steps of 20 ms, the length of a packet, so
// all of it runs in virtual time under test; only call owns a ticker.
//
// The sideband is a WebSocket to a running call: a second sender of client
// events, and a second receiver of what a conversation emits.
//
// [Faults] play the troubles of real providers: refused and expiring tokens,
// transcriptions that come late, twice or never, calls that end early or whose
// packets are lost, names of the beta. They are set at the start, or with
// Config.Rehearsal by whoever holds the key; a token carries those that held
// when it was minted. Nobody else can set any.
//
// To be used alone: New with a Key, Open, and serve Handler; any client of
// the protocol that is given the key can then talk to it.
//
// Source: OpenAI's API reference, "Realtime"; the recordings of the package
// above.
package partner
