package jetstream

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// A body is the clear JSON object; where a part is sealed it has one more
// member, always the last one:
//
//	{"call":1,"item":"item_7","status":"final","words":4,"sealed":"bm9uY2U…"}
//
// The place is part of the format. It lets the two be parted without parsing:
// standard base64 holds no quote, and inside any other JSON string a quote is
// escaped, so the member's name can't appear by chance.
const (
	sealedMember = `"sealed":"`
	sealedEnd    = `"}`
)

// joinBody puts the sealed part behind the clear object; nil is no part.
func joinBody(clear, sealed []byte) []byte {
	if sealed == nil {
		return clear
	}
	body := make([]byte, 0, len(clear)+len(sealedMember)+base64.StdEncoding.EncodedLen(len(sealed))+len(sealedEnd)+1)
	body = append(body, clear[:len(clear)-1]...)
	if len(clear) > len("{}") {
		body = append(body, ',')
	}
	body = append(body, sealedMember...)
	body = base64.StdEncoding.AppendEncode(body, sealed)
	return append(body, sealedEnd...)
}

// splitBody takes the two apart again; sealed is nil when there is no such
// part. The body is not changed.
func splitBody(body []byte) (clear, sealed []byte, err error) {
	rest, ends := bytes.CutSuffix(body, []byte(sealedEnd))
	from := bytes.LastIndexByte(rest, '"') + 1
	head, isSealed := bytes.CutSuffix(rest[:from], []byte(sealedMember))
	if !ends || !isSealed {
		return body, nil, nil
	}
	sealed, err = base64.StdEncoding.AppendDecode(nil, rest[from:])
	if err != nil {
		return nil, nil, fmt.Errorf("sealed member: %w", err)
	}
	clear = append(bytes.Clone(bytes.TrimSuffix(head, []byte(","))), '}')
	return clear, sealed, nil
}
