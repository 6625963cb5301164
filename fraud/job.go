package fraud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Job is one verification with all it needs to know, as it goes to a child process.
type Job struct {
	Rules      execution.Rules
	Committees []EpochCommittee
	Bonds      []KeyBond
	Challenge  []byte
}

// KeyBond is the bond of a key.
type KeyBond struct {
	Key  types.PublicKey
	Bond Bond
}

// EpochCommittee is the committee of an epoch.
type EpochCommittee struct {
	Epoch   types.Epoch
	Members []types.CommitteeMember
}

// wireJob is the job's encoding: the rules are few and named, so they travel as JSON.
type wireJob struct {
	Rules      []byte
	Committees []EpochCommittee
	Bonds      []KeyBond
	Challenge  []byte
}

// maxJobBytes bounds a job: a challenge and two committees of the largest size with room to spare.
const maxJobBytes = MaxChallengeBytes + 2<<20

// answer is what the child says.
type answer struct {
	Finding *Finding `json:"finding,omitempty"`
	Invalid string   `json:"invalid,omitempty"`
}

// Encode is the inverse of DecodeJob.
func (j *Job) Encode() ([]byte, error) {
	rules, err := json.Marshal(j.Rules)
	if err != nil {
		return nil, fmt.Errorf("encode job: %w", err)
	}
	return rlp.EncodeToBytes(&wireJob{rules, j.Committees, j.Bonds, j.Challenge})
}

// DecodeJob reads a job. Jobs come from the own parent process, yet are checked like strangers' bytes.
func DecodeJob(encoded []byte) (*Job, error) {
	var wire wireJob
	if err := rlp.DecodeBytes(encoded, &wire); err != nil {
		return nil, fmt.Errorf("job: %w: %w", types.ErrMalformed, err)
	}
	j := &Job{Committees: wire.Committees, Bonds: wire.Bonds, Challenge: wire.Challenge}
	if err := json.Unmarshal(wire.Rules, &j.Rules); err != nil {
		return nil, fmt.Errorf("job: rules: %w: %w", types.ErrMalformed, err)
	}
	return j, j.Rules.Validate()
}

// Trust is what the job's verifier believes.
func (j *Job) Trust() (*Trust, error) {
	committees := make(map[types.Epoch]*types.Committee, len(j.Committees))
	for _, ec := range j.Committees {
		c, err := types.NewCommittee(ec.Members)
		if err != nil {
			return nil, fmt.Errorf("job: committee of epoch %d: %w", ec.Epoch, err)
		}
		committees[ec.Epoch] = c
	}
	return &Trust{
		Rules:     j.Rules,
		Committee: func(e types.Epoch) *types.Committee { return committees[e] },
		Bond: func(key types.PublicKey) (Bond, bool) {
			i := slices.IndexFunc(j.Bonds, func(b KeyBond) bool { return b.Key == key })
			if i < 0 {
				return Bond{}, false
			}
			return j.Bonds[i].Bond, true
		},
	}, nil
}

// Run verifies the job's challenge in this process.
func (j *Job) Run() (*Finding, error) {
	trust, err := j.Trust()
	if err != nil {
		return nil, err
	}
	c, err := DecodeChallenge(j.Challenge)
	if err != nil {
		return nil, err
	}
	return Verify(c, trust)
}

// VerifyMain is the whole program of the child process: a job from in, limits on itself, an answer to out. It returns the
// exit code: 0 if it could answer (that the challenge is invalid is an answer), 1 if not.
func VerifyMain(in io.Reader, out io.Writer, limits Limits) int {
	if err := limits.apply(); err != nil {
		return 1
	}
	encoded, err := io.ReadAll(io.LimitReader(in, maxJobBytes+1))
	if err != nil || len(encoded) > maxJobBytes {
		return 1
	}
	job, err := DecodeJob(encoded)
	if err != nil {
		return 1
	}
	finding, err := job.Run()
	if err != nil && !errors.Is(err, ErrInvalid) {
		return 1
	}
	a := answer{Finding: finding}
	if err != nil {
		a = answer{Invalid: err.Error()}
	}
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return 1
	}
	return 0
}

// NewJob does the cheap checks of Check, and puts what they needed to know into a job for a child process.
func NewJob(c *Challenge, trust *Trust) (*Job, error) {
	job := &Job{Rules: trust.Rules, Challenge: c.Encode()}
	seen := make(map[types.Epoch]bool)
	recording := &Trust{
		Rules: trust.Rules,
		Committee: func(e types.Epoch) *types.Committee {
			committee, err := trust.committee(e)
			if err != nil {
				return nil
			}
			if !seen[e] {
				seen[e] = true
				job.Committees = append(job.Committees, EpochCommittee{Epoch: e, Members: committee.Members()})
			}
			return committee
		},
		Bond: func(key types.PublicKey) (Bond, bool) {
			bond, known := trust.bond(key)
			if known {
				job.Bonds = append(job.Bonds, KeyBond{key, bond})
			}
			return bond, known
		},
	}
	if err := Check(c, recording); err != nil {
		return nil, err
	}
	return job, nil
}
