package docket

import "time"

// maxAccounts bounds the groups, and the senders of a group, of which it is remembered what they were given.
const maxAccounts = 1024

// accounts remember what each name was given, of those above the one whose turn began last: who has less has as much as that
// one, so that nobody saves up.
type accounts struct {
	least time.Duration
	names map[string]*account
}

type account struct {
	given   time.Duration
	members accounts
}

func newAccounts() accounts { return accounts{names: make(map[string]*account)} }

func (a accounts) of(name string) time.Duration {
	if known := a.names[name]; known != nil {
		return max(known.given, a.least)
	}
	return a.least
}

func (a accounts) members(name string) accounts {
	if known := a.names[name]; known != nil {
		return known.members
	}
	return accounts{}
}

// begin notes that a turn of a sender begins.
func (a *accounts) begin(s Sender) {
	a.least = a.of(s.Group)
	for name, known := range a.names {
		if name != s.Group && known.given <= a.least {
			delete(a.names, name)
		}
	}
	members := &a.open(s.Group).members
	members.least = members.of(s.Peer)
	for name, known := range members.names {
		if known.given <= members.least {
			delete(members.names, name)
		}
	}
}

// add charges a sender and its group.
func (a *accounts) add(s Sender, cost time.Duration) {
	group := a.open(s.Group)
	group.given += cost
	member := group.members.open(s.Peer)
	member.given += cost
}

// open finds an account, or makes it; one that was given least goes for it if there are too many.
func (a *accounts) open(name string) *account {
	if known := a.names[name]; known != nil {
		known.given = max(known.given, a.least)
		return known
	}
	if len(a.names) >= maxAccounts {
		poorest := ""
		for other, known := range a.names {
			if poorest == "" || known.given < a.names[poorest].given {
				poorest = other
			}
		}
		delete(a.names, poorest)
	}
	made := &account{given: a.least, members: newAccounts()}
	a.names[name] = made
	return made
}
