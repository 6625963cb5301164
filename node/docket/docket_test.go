package docket

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var config = Config{Rate: 0.1, Allowance: time.Second, OfSender: 2, OfGroup: 8, InAll: 48}

// flood keeps all places of a sender taken with turns that take and cost so long, until ctx ends.
func flood(ctx context.Context, d *Docket, s Sender, cost time.Duration, began func(Sender)) {
	for range config.OfSender {
		go func() {
			for ctx.Err() == nil {
				p, err := d.Enter(s)
				if err != nil {
					time.Sleep(time.Millisecond)
					continue
				}
				if p.Wait(ctx) != nil {
					p.Leave(0)
					continue
				}
				began(s)
				time.Sleep(cost)
				p.Leave(cost)
			}
		}()
	}
}

// TestI2TheShareIsKept: however much is asked for, turns follow each other one by one and take a tenth of the time.
func TestI2TheShareIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		d, turns, held := New(config), 0, 0
		const cost = 50 * time.Millisecond
		for i := range 5 {
			s := Sender{fmt.Sprint("group", i), "peer"}
			flood(ctx, d, s, cost, func(Sender) {
				turns++
				if held++; held != 1 {
					t.Error(held, "turns at once")
				}
				time.Sleep(cost / 2)
				held--
			})
		}
		time.Sleep(100 * time.Second)
		stop()
		time.Sleep(time.Second)
		synctest.Wait()
		if used := time.Duration(turns) * cost; used < 10*time.Second || used > 11*time.Second+2*cost {
			t.Errorf("%v of processor time in 100 s, want a tenth and the allowance", used)
		}
	})
}

// TestI3NewcomersComeFirst: a group that asked for nothing before has its turn after the one that is held, and one of no other
// group that was given anything; the same goes for a sender within its group.
func TestI3NewcomersComeFirst(t *testing.T) {
	for name, newcomer := range map[string]Sender{"group": {"new", "new"}, "sender": {"group0", "new"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				d := New(config)
				var began []Sender
				groups := 5
				if name == "sender" {
					groups = 1
				}
				for i := range groups {
					for j := range 3 {
						flood(ctx, d, Sender{fmt.Sprint("group", i), fmt.Sprint("peer", j)}, 50*time.Millisecond, func(s Sender) { began = append(began, s) })
					}
				}
				time.Sleep(time.Minute)
				p, err := d.Enter(newcomer)
				if err != nil {
					t.Fatal(err)
				}
				before := len(began)
				if err := p.Wait(ctx); err != nil {
					t.Fatal(err)
				}
				if others := len(began) - before; others > 1 {
					t.Errorf("%d turns came before the newcomer's", others)
				}
				p.Leave(0)
				stop()
				time.Sleep(time.Second)
				synctest.Wait()
			})
		})
	}
}

// TestI4PlacesAreBounded: of a sender, of a group, in all; and whoever was given less takes the place of one that was given more.
func TestI4PlacesAreBounded(t *testing.T) {
	d := New(config)
	var places []*Place
	enter := func(group, peer string) error {
		p, err := d.Enter(Sender{group, peer})
		if err == nil {
			places = append(places, p)
		}
		return err
	}
	for i := range config.OfSender + 1 {
		if err := enter("a", "a"); (err == nil) != (i < config.OfSender) {
			t.Fatal(i, err)
		}
	}
	for i := range config.OfGroup { // the last but one has the second place of the first sender
		if err := enter("a", fmt.Sprint(i)); (err == nil) != (i < config.OfGroup-1) {
			t.Fatal(i, err)
		}
	}
	for i := range config.InAll { // and so with groups, of whom each keeps one
		if err := enter(fmt.Sprint(i), ""); (err == nil) != (i < config.InAll-1) {
			t.Fatal(i, err)
		}
	}
	if d.Waiting() != config.InAll {
		t.Fatal(d.Waiting(), "places are taken")
	}
	for _, p := range places {
		p.Leave(0)
	}
	if d.Waiting() != 0 {
		t.Fatal(d.Waiting(), "places are taken when all have left")
	}
}

func TestThePoorTakeThePlaceOfTheRich(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Config{Rate: 0.1, Allowance: time.Second, OfSender: 2, OfGroup: 2, InAll: 2})
		first, _ := d.Enter(Sender{"rich", "peer"})
		if err := first.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		second, _ := d.Enter(Sender{"rich", "peer"})
		go func() { _ = second.Wait(t.Context()) }()
		synctest.Wait()
		if _, err := d.Enter(Sender{"rich", "peer"}); !errors.Is(err, ErrFull) {
			t.Fatal("who has all it may have gets more:", err)
		}
		first.Leave(5 * time.Second)
		first, _ = d.Enter(Sender{"rich", "peer"}) // the share is used up: both wait
		lost := make(chan error, 1)
		go func() { lost <- first.Wait(t.Context()) }()
		synctest.Wait()
		poor, err := d.Enter(Sender{"poor", "peer"})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-lost; !errors.Is(err, ErrFull) {
			t.Fatal("the place that was taken last:", err)
		}
		if err := poor.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.Leave(0)
		poor.Leave(0)
		second.Leave(0)
	})
}

// TestWhoGivesUpLeavesNothing: a sender that does not wait for its turn blocks nobody.
func TestWhoGivesUpLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(config)
		held, _ := d.Enter(Sender{"a", "a"})
		if err := held.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		gone, _ := d.Enter(Sender{"b", "b"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := gone.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		gone.Leave(0)
		next, _ := d.Enter(Sender{"c", "c"})
		held.Leave(0)
		if err := next.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		next.Leave(0)
	})
}

// TestI4AccountsAreBounded: of many groups, and of many senders of one, only so many are remembered.
func TestI4AccountsAreBounded(t *testing.T) {
	for name, sender := range map[string]func(int) Sender{
		"groups":  func(i int) Sender { return Sender{fmt.Sprint(i), ""} },
		"senders": func(i int) Sender { return Sender{"", fmt.Sprint(i)} },
	} {
		d := New(config)
		for i := range maxAccounts + 1 {
			p, _ := d.Enter(sender(i))
			p.Leave(time.Duration(i + 1))
		}
		if n := max(len(d.given.names), len(d.given.members("").names)); n != maxAccounts {
			t.Errorf("%s: %d accounts, want %d", name, n, maxAccounts)
		}
		if rich := sender(maxAccounts); name == "groups" && d.given.of(rich.Group) != maxAccounts+1 {
			t.Error("the richest was forgotten")
		}
	}
}
