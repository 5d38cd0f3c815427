package partner

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// session is the provider's session object as far as the partner minds it.
// Unmarshalling onto an existing one changes what is mentioned and keeps the
// rest: that is how both a mint and a session.update are read.
type session struct {
	Type         string   `json:"type"`
	Object       string   `json:"object"`
	ID           string   `json:"id"`
	Model        string   `json:"model"`
	Modalities   []string `json:"output_modalities"`
	Instructions string   `json:"instructions"`
	Prompt       *prompt  `json:"prompt"`
	Audio        audio    `json:"audio"`
	ExpiresAt    int64    `json:"expires_at"`
}

type prompt struct {
	ID string `json:"id"`
}

type audio struct {
	Input  audioInput  `json:"input"`
	Output audioOutput `json:"output"`
}

// format is how sound is written in events. In a call it matters for what
// clients append alone: the rest is Opus.
type format struct {
	Type string `json:"type"`
	Rate int    `json:"rate,omitempty"`
}

type audioInput struct {
	Format         *format         `json:"format"`
	Transcription  *transcription  `json:"transcription"`
	NoiseReduction json.RawMessage `json:"noise_reduction"`
	TurnDetection  *turnDetection  `json:"turn_detection"`
}

type transcription struct {
	Model    string `json:"model"`
	Language string `json:"language"`
}

type audioOutput struct {
	Format *format `json:"format"`
	Voice  string  `json:"voice"`
	// Speed is 0.25 to 1.5; see voice.at for what it can do here.
	Speed float64 `json:"speed"`
}

// turnDetection is server_vad, or semantic_vad, which the partner can only
// play by level too: its eagerness becomes a length of silence.
type turnDetection struct {
	Type            string  `json:"type"`
	Threshold       float64 `json:"threshold"`
	PrefixPaddingMS int     `json:"prefix_padding_ms"`
	SilenceMS       int     `json:"silence_duration_ms"`
	Eagerness       string  `json:"eagerness,omitempty"`
	// IdleTimeoutMS is only server_vad's; nil: wait for ever.
	IdleTimeoutMS  *int `json:"idle_timeout_ms,omitempty"`
	CreateResponse bool `json:"create_response"`
	Interrupt      bool `json:"interrupt_response"`
}

func defaultTurns() *turnDetection {
	return &turnDetection{
		Type: "server_vad", Threshold: 0.5, PrefixPaddingMS: 300, SilenceMS: 500,
		CreateResponse: true, Interrupt: true,
	}
}

func newSession() session {
	return session{
		Type: "realtime", Object: "realtime.session", Model: "gpt-realtime-mini",
		Modalities: []string{"audio"},
		Audio: audio{
			Input:  audioInput{Format: &format{"audio/pcm", pcmRate}, TurnDetection: defaultTurns()},
			Output: audioOutput{Format: &format{"audio/pcm", pcmRate}, Voice: "marin", Speed: 1},
		},
	}
}

// update reads changes; on an error the session is as it was.
func (s *session) update(raw json.RawMessage) error {
	changed := *s
	// Pointers are followed and slices written over, so what they lead to is
	// copied first, or read anew. Turn detection starts from the defaults, as a
	// change of type would.
	changed.Audio.Input.TurnDetection = defaultTurns()
	if s.Audio.Input.Transcription != nil {
		copied := *s.Audio.Input.Transcription
		changed.Audio.Input.Transcription = &copied
	}
	changed.Audio.Input.NoiseReduction = slices.Clone(s.Audio.Input.NoiseReduction)
	changed.Modalities, changed.Prompt = nil, nil
	changed.Audio.Input.Format, changed.Audio.Output.Format = nil, nil
	if err := json.Unmarshal(raw, &changed); err != nil {
		return fmt.Errorf("read the session: %w", err)
	}
	changed.keep(s)
	if !mentionsTurns(raw) {
		changed.Audio.Input.TurnDetection = s.Audio.Input.TurnDetection
	}
	if err := changed.valid(); err != nil {
		return err
	}
	// What the server alone decides.
	changed.ID, changed.ExpiresAt, changed.Object = s.ID, s.ExpiresAt, s.Object
	*s = changed
	return nil
}

// keep takes from an older session what this one leaves out.
func (s *session) keep(old *session) {
	if s.Modalities == nil {
		s.Modalities = old.Modalities
	}
	s.Prompt = cmp.Or(s.Prompt, old.Prompt)
	s.Audio.Input.Format = cmp.Or(s.Audio.Input.Format, old.Audio.Input.Format)
	s.Audio.Output.Format = cmp.Or(s.Audio.Output.Format, old.Audio.Output.Format)
}

func mentionsTurns(raw json.RawMessage) bool {
	var wire struct {
		Audio struct {
			Input map[string]json.RawMessage `json:"input"`
		} `json:"audio"`
	}
	// The caller has read the same bytes without an error.
	_ = json.Unmarshal(raw, &wire)
	_, mentioned := wire.Audio.Input["turn_detection"]
	return mentioned
}

func (s *session) valid() error {
	turns := s.Audio.Input.TurnDetection
	switch {
	case s.Type != "realtime":
		return errors.New("the session's type must be realtime")
	case !oneModality(s.Modalities):
		return errWrongModalities
	case s.Audio.Output.Speed < slowest || s.Audio.Output.Speed > fastest:
		return errors.New("audio.output.speed must be 0.25 to 1.5")
	case turns == nil:
		return nil
	case turns.IdleTimeoutMS != nil && (turns.Type != "server_vad" || *turns.IdleTimeoutMS < 5000 || *turns.IdleTimeoutMS > 30_000):
		return errors.New("turn_detection.idle_timeout_ms must be 5000 to 30000, of server_vad")
	case turns.Type != "server_vad" && turns.Type != "semantic_vad":
		return errors.New("turn_detection.type must be server_vad or semantic_vad")
	case turns.Threshold < 0 || turns.Threshold > 1:
		return errors.New("turn_detection.threshold must be 0 to 1")
	case turns.PrefixPaddingMS < 0 || turns.PrefixPaddingMS > 60_000 || turns.SilenceMS < 0 || turns.SilenceMS > 60_000:
		return errors.New("turn_detection has a length out of range")
	}
	return nil
}

func (t *turnDetection) padding() time.Duration {
	return time.Duration(t.PrefixPaddingMS) * time.Millisecond
}

// silence is how long the learner must be silent before her turn is over.
func (t *turnDetection) silence() time.Duration {
	if t.Type == "semantic_vad" {
		switch t.Eagerness {
		case "low":
			return 1200 * time.Millisecond
		case "high":
			return 300 * time.Millisecond
		}
	}
	return time.Duration(t.SilenceMS) * time.Millisecond
}
