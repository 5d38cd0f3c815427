package realtime

import (
	"fmt"
	"time"
)

// Retirement is a provider's announcement that a model will be switched off.
type Retirement struct {
	// Model is the name as it is configured.
	Model string
	// On is the first day without it, in UTC.
	On time.Time
	// Successor is what the provider recommends; empty where it names none
	// for this use.
	Successor string
	// Source is where it was announced.
	Source string
}

// openAIDeprecations is where OpenAI announces; read in November 2026.
const openAIDeprecations = "https://developers.openai.com/api/docs/deprecations"

// Retirements are the announcements about models that Parley may be set up
// with, soonest first.
func Retirements() []Retirement {
	january, february := day(2027, time.January, 20), day(2027, time.February, 26)
	return []Retirement{
		{"gpt-realtime-mini", january, "gpt-realtime-2.1-mini", openAIDeprecations},
		{"gpt-realtime", january, "gpt-realtime-2.1", openAIDeprecations},
		{"whisper-1", february, "gpt-live-transcribe", openAIDeprecations},
		{"gpt-4o-transcribe", february, "gpt-live-transcribe", openAIDeprecations},
		{"gpt-4o-mini-transcribe", february, "gpt-live-transcribe", openAIDeprecations},
	}
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Retiring gives the announcements about the models in use, whatever the
// date: at the start and for the operator's page. Only OpenAI's own models
// are known; a deployment on Azure may be named like one of them, and is then
// most likely made of it.
func (c *Client) Retiring() []Retirement {
	var retiring []Retirement
	if c.config.Dialect != DialectOpenAI {
		return nil
	}
	for _, r := range Retirements() {
		if r.Model == c.config.Model || r.Model == c.config.TranscriptionModel {
			retiring = append(retiring, r)
		}
	}
	return retiring
}

// Days is how many days are left of the model at a time; 0 and less: it is
// gone.
func (r Retirement) Days(now time.Time) int {
	left := r.On.Sub(now)
	days := int(left / (24 * time.Hour))
	if left > 0 && left%(24*time.Hour) != 0 {
		days++
	}
	return days
}

// Says puts it in words for an operator.
func (r Retirement) Says(now time.Time) string {
	text := fmt.Sprintf("%s is switched off on %s (days left: %d)", r.Model, r.On.Format(time.DateOnly), r.Days(now))
	if r.Days(now) <= 0 {
		text = fmt.Sprintf("%s was switched off on %s", r.Model, r.On.Format(time.DateOnly))
	}
	if r.Successor != "" {
		text += "; its successor is " + r.Successor
	}
	return text
}
