package partner

import (
	"net"
	"strconv"
	"time"

	"github.com/pion/webrtc/v4"
)

// ends are all addresses of the other end that are known by now.
func (c *call) ends() []string {
	var addresses []string
	for _, entry := range c.peer.GetStats() {
		if candidate, is := entry.(webrtc.ICECandidateStats); is && candidate.Type == webrtc.StatsTypeRemoteCandidate {
			addresses = append(addresses, net.JoinHostPort(candidate.IP, strconv.Itoa(int(candidate.Port))))
		}
	}
	return addresses
}

// cut loses the call's packets, for a while or for good.
func (c *call) cut(length time.Duration) {
	c.severed = c.ends()
	c.line.sever(c.severed)
	if length > 0 {
		c.talk.agenda.after(length, func() { c.line.mend(c.severed) })
	}
}

// plan puts the call's troubles on its agenda.
func (c *call) plan() {
	if c.faults.CutAfter > 0 {
		c.talk.agenda.after(c.faults.CutAfter, func() { c.cut(c.faults.CutFor) })
	}
}

// expire ends the call at its limit, in the way that was asked for.
func (c *call) expire() {
	switch c.faults.End {
	case EndClose:
		c.end()
	case EndCut:
		c.cut(0)
	case EndSilence:
		c.talk.silenced = true
	default:
		c.talk.expire()
		c.talk.agenda.after(lingering, c.end)
	}
}
