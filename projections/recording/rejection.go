package recording

import "fmt"

// Reason names why a file cannot become the audio of a session. It goes into
// audio_rejected and is what the page explains.
type Reason string

// The reasons.
const (
	// ReasonSize: the object is longer or shorter than was announced.
	ReasonSize Reason = "size_mismatch"
	// ReasonChecksum: the bytes are not those that were announced.
	ReasonChecksum Reason = "checksum_mismatch"
	// ReasonType: a content type that is neither WebM nor MP4 audio.
	ReasonType Reason = "unsupported_type"
	// ReasonFormat: the file does not begin like one of its type.
	ReasonFormat Reason = "wrong_format"
	// ReasonTracks: not exactly one track, or not an audio track.
	ReasonTracks Reason = "wrong_tracks"
	// ReasonCodec: another codec than Opus in WebM and AAC in MP4.
	ReasonCodec Reason = "wrong_codec"
	// ReasonChannels: neither mono nor stereo.
	ReasonChannels Reason = "wrong_channels"
	// ReasonSilent: the file holds no sound at all.
	ReasonSilent Reason = "no_sound"
	// ReasonDuration: the sound is shorter or longer than was announced, by more
	// than [Tolerance] allows.
	ReasonDuration Reason = "duration_mismatch"
	// ReasonTooComplex: more clusters or larger heads than any recorder writes.
	ReasonTooComplex Reason = "too_complex"
	// ReasonMissing: nothing lies where the upload was completed to.
	ReasonMissing Reason = "object_missing"
	// ReasonUndecided: the finalizer could not read or place the file, however
	// often it tried. Uploading again starts anew.
	ReasonUndecided Reason = "not_finalized"
)

// Reasons are all of them: whoever explains them must know each.
func Reasons() []Reason {
	return []Reason{
		ReasonSize, ReasonChecksum, ReasonType, ReasonFormat, ReasonTracks, ReasonCodec, ReasonChannels,
		ReasonSilent, ReasonDuration, ReasonTooComplex, ReasonMissing, ReasonUndecided,
	}
}

// Rejection is the error for a file that was read whole and found wrong. Any other
// error of this package means that the file could not be judged.
type Rejection struct {
	Reason Reason
	Detail string // for operators; holds nothing of the file's content
}

// Error gives the reason and its detail.
func (r *Rejection) Error() string { return fmt.Sprintf("%s: %s", r.Reason, r.Detail) }

func reject(reason Reason, format string, args ...any) error {
	return &Rejection{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
