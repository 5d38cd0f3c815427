package main

import (
	"parley/events"
	"parley/projections/recording"
)

// refusedAdvice tells an operator what to do about a recording that was refused. The
// page tells the learner in her words (web/src/strings/attention.en.ts).
var refusedAdvice = map[recording.Reason]string{
	recording.ReasonSize:       "the store holds another number of bytes than was announced; its browser still has them and sends them again at its next visit. If that repeats, look at what lies between browsers and store",
	recording.ReasonChecksum:   "the store holds other bytes than were announced; its browser still has them and sends them again at its next visit. If that repeats, check the store's disk",
	recording.ReasonMissing:    "nothing lies where it was uploaded to; its browser sends it again at its next visit. If you keep an older copy of the store, put the object back and use --finalize. Check that no lifecycle rule of the bucket removes objects",
	recording.ReasonUndecided:  "it could not be read or placed, however often that was tried: see the log of serve for why, mend the store, then use --finalize",
	recording.ReasonType:       "it is neither WebM nor MP4; no remedy makes it one. Keep the bytes for its learner, or convert them by hand",
	recording.ReasonFormat:     "it does not begin like a file of its type; look at its first bytes for what wrote it",
	recording.ReasonTracks:     "it holds something else than one sound track; a browser's recorder writes none such. ffmpeg -map 0:a:0 takes the first out of it, for the learner",
	recording.ReasonCodec:      "its sound is neither Opus in WebM nor AAC in MP4; ffmpeg converts it, for the learner",
	recording.ReasonChannels:   "it has more than two sides; a browser's recorder writes none such",
	recording.ReasonSilent:     "it holds not one packet of sound: the microphone or the recorder died at the start. The transcript stays; use --without-recording",
	recording.ReasonDuration:   "it is much shorter or longer than its browser said; listen to the bytes. Its browser may send it again, else use --without-recording",
	recording.ReasonTooComplex: "it is built in a way that no recorder writes; treat it as hostile. Use --without-recording",
}

// refusedBecause says why a recording was refused, what to do, and where its bytes are.
func refusedBecause(s *events.Session) string {
	why := "its recording was refused (" + s.Rejected.Reason + ")"
	if advice := refusedAdvice[recording.Reason(s.Rejected.Reason)]; advice != "" {
		why += ": " + advice
	}
	if s.Completed != nil && s.Completed.Object != "" {
		why += "; the bytes are kept at " + s.Completed.Object
	}
	return why
}
