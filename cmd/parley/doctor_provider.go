package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/http/realtime"
)

// examineProvider looks at who the learners talk with. Only when asked to it
// goes there and fetches a token, which costs nothing and expires unused.
func examineProvider(ctx context.Context, environ []string, mint bool) []finding {
	const check = "provider"
	config, err := readConfig(environ)
	switch {
	case err != nil:
		return nil // the configuration's own finding
	case !config.elsewhereSpeaks():
		return []finding{{check, fine, "learners talk with the built-in partner, as no provider is set up", ""}}
	}
	client := realtime.New(config.provider())
	found := []finding{{check, fine, fmt.Sprintf("%s (%s), model %s, transcription by %s, voice %s",
		config.RealtimeURL, config.RealtimeDialect, config.Model, config.TranscriptionModel, config.Voice), ""}}
	found = append(found, examineModels(client, time.Now())...)
	if mint {
		found = append(found, tryMint(ctx, client))
	}
	return found
}

// examineModels tells of models that will be, or are, switched off.
func examineModels(client *realtime.Client, now time.Time) []finding {
	var found []finding
	for _, r := range client.Retiring() {
		verdict := notice
		if r.Days(now) <= 0 {
			verdict = problem
		}
		variable := "PARLEY_TRANSCRIPTION_MODEL"
		if r.Model == client.Model() {
			variable = "PARLEY_MODEL"
		}
		found = append(found, finding{"model", verdict, r.Says(now),
			fmt.Sprintf("set %s=%s before that day; announced at %s", variable, r.Successor, r.Source)})
	}
	return found
}

// mintCures says to an operator what helps against each class of failure.
var mintCures = map[realtime.Class]string{
	realtime.ClassQuota:     "add credit to the provider's account",
	realtime.ClassKey:       "set OPENAI_API_KEY to a key that may use the realtime interface, and PARLEY_REALTIME_AUTH as the provider wants it",
	realtime.ClassModelGone: "set PARLEY_MODEL and PARLEY_TRANSCRIPTION_MODEL to models that the provider has; on Azure to names of deployments",
	realtime.ClassRate:      "wait, or raise the account's limits",
	realtime.ClassNetwork:   "look at PARLEY_REALTIME_URL, the name server and the firewall",
	realtime.ClassUnknown:   "look at PARLEY_REALTIME_URL, which includes the version, and at PARLEY_REALTIME_SESSION",
}

// tryMint fetches one token.
func tryMint(ctx context.Context, client *realtime.Client) finding {
	const check = "token"
	if !client.Follows() {
		return finding{check, notice, "this server mints no tokens, so that there is nothing to try", "start a session and listen"}
	}
	began := time.Now()
	token, err := client.Mint(ctx, realtime.MintRequest{Instructions: "Say nothing.", Language: "en", TTL: realtime.MinTTL})
	var refused *realtime.Error
	switch {
	case errors.As(err, &refused):
		return finding{check, problem, refused.Error(), mintCures[refused.Class]}
	case err != nil:
		return finding{check, problem, err.Error(), mintCures[realtime.ClassUnknown]}
	}
	return finding{check, fine, fmt.Sprintf("minted in %d ms, good until %s", time.Since(began).Milliseconds(), token.ExpiresAt.Format(time.TimeOnly)), ""}
}
