// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package contracts

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	bind "github.com/etherscale/bedrock/execution/contracts/internal/meta"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// BondsBond is an auto generated low-level Go binding around an user-defined struct.
type BondsBond struct {
	Owner      common.Address
	Role       uint8
	Status     uint8
	Place      uint32
	AssertedIn *big.Int
	Operator   common.Address
	ReadyFor   uint64
	Stake      *big.Int
	Served     uint64
	Until      uint64
}

// BondsEscrow is an auto generated low-level Go binding around an user-defined struct.
type BondsEscrow struct {
	Payee  common.Address
	Until  uint64
	Amount *big.Int
	Order  *big.Int
}

// BondsParameters is an auto generated low-level Go binding around an user-defined struct.
type BondsParameters struct {
	Unit        uint64
	MinStake    uint64
	Window      uint64
	Step        uint64
	Delay       uint64
	ProverShare uint64
}

// BondsRequest is an auto generated low-level Go binding around an user-defined struct.
type BondsRequest struct {
	Key      [32]byte
	ProofR   [32]byte
	ProofS   [32]byte
	Owner    common.Address
	Role     uint8
	Operator common.Address
	Value    *big.Int
}

// BondsStep is an auto generated low-level Go binding around an user-defined struct.
type BondsStep struct {
	Parent       [32]byte
	Value        [32]byte
	Claim        [32]byte
	ParentHeight uint64
	Height       uint64
	Opened       uint64
	OpenedIn     uint64
	Weight       *big.Int
	Prize        *big.Int
	Status       uint8
	Seen         uint32
	Supporters   [][32]byte
}

// BondsVerdict is an auto generated low-level Go binding around an user-defined struct.
type BondsVerdict struct {
	Challenge [32]byte
	Accused   [32]byte
	Payee     common.Address
}

// BondsMetaData contains all meta data concerning the Bonds contract.
var BondsMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[],\"name\":\"Malformed\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NotAllowed\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NotSystem\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"Nothing\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"Refused\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"TooEarly\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"TooLarge\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"TooLate\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"TooSmall\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"WrongRole\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"WrongStatus\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Added\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"step\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint64\",\"name\":\"height\",\"type\":\"uint64\"},{\"indexed\":false,\"internalType\":\"bytes32\",\"name\":\"value\",\"type\":\"bytes32\"}],\"name\":\"Asserted\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"step\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Collected\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"Leaving\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"indexed\":false,\"internalType\":\"uint64\",\"name\":\"epoch\",\"type\":\"uint64\"}],\"name\":\"Ready\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Released\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint8\",\"name\":\"role\",\"type\":\"uint8\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Requested\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"bytes32\",\"name\":\"accused\",\"type\":\"bytes32\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Rewarded\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Withdrawn\",\"type\":\"event\"},{\"inputs\":[],\"name\":\"accounted\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"add\",\"outputs\":[],\"stateMutability\":\"payable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"parent\",\"type\":\"bytes32\"},{\"internalType\":\"uint64\",\"name\":\"parentHeight\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"height\",\"type\":\"uint64\"},{\"internalType\":\"bytes32\",\"name\":\"digest\",\"type\":\"bytes32\"},{\"internalType\":\"bytes\",\"name\":\"blocks\",\"type\":\"bytes\"}],\"name\":\"assertValue\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint64\",\"name\":\"headerTime\",\"type\":\"uint64\"},{\"internalType\":\"uint256\",\"name\":\"decided\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"proven\",\"type\":\"uint256\"},{\"components\":[{\"internalType\":\"bytes32\",\"name\":\"challenge\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"accused\",\"type\":\"bytes32\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"}],\"internalType\":\"structBonds.Verdict[]\",\"name\":\"verdicts\",\"type\":\"tuple[]\"}],\"name\":\"begin\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"internalType\":\"uint8\",\"name\":\"role\",\"type\":\"uint8\"},{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"proofR\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"proofS\",\"type\":\"bytes32\"}],\"name\":\"bond\",\"outputs\":[],\"stateMutability\":\"payable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"bondOf\",\"outputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"uint8\",\"name\":\"role\",\"type\":\"uint8\"},{\"internalType\":\"uint8\",\"name\":\"status\",\"type\":\"uint8\"},{\"internalType\":\"uint32\",\"name\":\"place\",\"type\":\"uint32\"},{\"internalType\":\"uint40\",\"name\":\"assertedIn\",\"type\":\"uint40\"},{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"readyFor\",\"type\":\"uint64\"},{\"internalType\":\"uint128\",\"name\":\"stake\",\"type\":\"uint128\"},{\"internalType\":\"uint64\",\"name\":\"served\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"until\",\"type\":\"uint64\"}],\"internalType\":\"structBonds.Bond\",\"name\":\"\",\"type\":\"tuple\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"from\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"count\",\"type\":\"uint256\"}],\"name\":\"bonded\",\"outputs\":[{\"internalType\":\"bytes32[]\",\"name\":\"keys\",\"type\":\"bytes32[]\"},{\"internalType\":\"uint256\",\"name\":\"more\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"burned\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"from\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"count\",\"type\":\"uint256\"}],\"name\":\"candidates\",\"outputs\":[{\"internalType\":\"bytes32[]\",\"name\":\"keys\",\"type\":\"bytes32[]\"},{\"internalType\":\"uint64[]\",\"name\":\"stakes\",\"type\":\"uint64[]\"},{\"internalType\":\"uint256\",\"name\":\"more\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"clock\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"step\",\"type\":\"uint256\"},{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"collect\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"commitment\",\"type\":\"bytes32\"}],\"name\":\"commit\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"commitment\",\"type\":\"bytes32\"}],\"name\":\"committed\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"inBlock\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"number\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"committee\",\"outputs\":[{\"internalType\":\"bytes32[]\",\"name\":\"\",\"type\":\"bytes32[]\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"credit\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"epoch\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"accused\",\"type\":\"bytes32\"}],\"name\":\"escrowOf\",\"outputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"until\",\"type\":\"uint64\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"},{\"internalType\":\"uint128\",\"name\":\"order\",\"type\":\"uint128\"}],\"internalType\":\"structBonds.Escrow\",\"name\":\"\",\"type\":\"tuple\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"value\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"claim\",\"type\":\"bytes32\"}],\"name\":\"found\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"proverPool\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"queue\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"first\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"next\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"ready\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"release\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"accused\",\"type\":\"bytes32\"}],\"name\":\"reward\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"sequencerPool\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"settings\",\"outputs\":[{\"components\":[{\"internalType\":\"uint64\",\"name\":\"unit\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"minStake\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"window\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"step\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"delay\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"proverShare\",\"type\":\"uint64\"}],\"internalType\":\"structBonds.Parameters\",\"name\":\"\",\"type\":\"tuple\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"settled\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"height\",\"type\":\"uint64\"},{\"internalType\":\"bytes32\",\"name\":\"value\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"claim\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"step\",\"type\":\"uint256\"}],\"name\":\"stepAt\",\"outputs\":[{\"components\":[{\"internalType\":\"bytes32\",\"name\":\"parent\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"value\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"claim\",\"type\":\"bytes32\"},{\"internalType\":\"uint64\",\"name\":\"parentHeight\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"height\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"opened\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"openedIn\",\"type\":\"uint64\"},{\"internalType\":\"uint128\",\"name\":\"weight\",\"type\":\"uint128\"},{\"internalType\":\"uint128\",\"name\":\"prize\",\"type\":\"uint128\"},{\"internalType\":\"uint8\",\"name\":\"status\",\"type\":\"uint8\"},{\"internalType\":\"uint32\",\"name\":\"seen\",\"type\":\"uint32\"},{\"internalType\":\"bytes32[]\",\"name\":\"supporters\",\"type\":\"bytes32[]\"}],\"internalType\":\"structBonds.Step\",\"name\":\"\",\"type\":\"tuple\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"time\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32[]\",\"name\":\"next\",\"type\":\"bytes32[]\"},{\"internalType\":\"uint64[]\",\"name\":\"vertices\",\"type\":\"uint64[]\"}],\"name\":\"turn\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"}],\"name\":\"unbond\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"waiting\",\"outputs\":[{\"components\":[{\"internalType\":\"bytes32\",\"name\":\"key\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"proofR\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"proofS\",\"type\":\"bytes32\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"uint8\",\"name\":\"role\",\"type\":\"uint8\"},{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"value\",\"type\":\"uint128\"}],\"internalType\":\"structBonds.Request[]\",\"name\":\"list\",\"type\":\"tuple[]\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"withdraw\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "Bonds",
}

// Bonds is an auto generated Go binding around an Ethereum contract.
type Bonds struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *Bonds) GetABI() abi.ABI {
	return c.abi
}

// NewBonds creates a new instance of Bonds.
func NewBonds() *Bonds {
	parsed, err := BondsMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &Bonds{abi: *parsed}
}

// PackAccounted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x19f8dcf1.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function accounted() view returns(uint128)
func (bonds *Bonds) PackAccounted() []byte {
	enc, err := bonds.abi.Pack("accounted")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAccounted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x19f8dcf1.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function accounted() view returns(uint128)
func (bonds *Bonds) TryPackAccounted() ([]byte, error) {
	return bonds.abi.Pack("accounted")
}

// UnpackAccounted is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x19f8dcf1.
//
// Solidity: function accounted() view returns(uint128)
func (bonds *Bonds) UnpackAccounted(data []byte) (*big.Int, error) {
	out, err := bonds.abi.Unpack("accounted", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackAdd is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x446bffba.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function add(bytes32 key) payable returns()
func (bonds *Bonds) PackAdd(key [32]byte) []byte {
	enc, err := bonds.abi.Pack("add", key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAdd is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x446bffba.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function add(bytes32 key) payable returns()
func (bonds *Bonds) TryPackAdd(key [32]byte) ([]byte, error) {
	return bonds.abi.Pack("add", key)
}

// PackAssertValue is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x36d1a012.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function assertValue(bytes32 key, bytes32 parent, uint64 parentHeight, uint64 height, bytes32 digest, bytes blocks) returns()
func (bonds *Bonds) PackAssertValue(key [32]byte, parent [32]byte, parentHeight uint64, height uint64, digest [32]byte, blocks []byte) []byte {
	enc, err := bonds.abi.Pack("assertValue", key, parent, parentHeight, height, digest, blocks)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAssertValue is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x36d1a012.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function assertValue(bytes32 key, bytes32 parent, uint64 parentHeight, uint64 height, bytes32 digest, bytes blocks) returns()
func (bonds *Bonds) TryPackAssertValue(key [32]byte, parent [32]byte, parentHeight uint64, height uint64, digest [32]byte, blocks []byte) ([]byte, error) {
	return bonds.abi.Pack("assertValue", key, parent, parentHeight, height, digest, blocks)
}

// PackBegin is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7a7c4e2f.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function begin(uint64 headerTime, uint256 decided, uint256 proven, (bytes32,bytes32,address)[] verdicts) returns()
func (bonds *Bonds) PackBegin(headerTime uint64, decided *big.Int, proven *big.Int, verdicts []BondsVerdict) []byte {
	enc, err := bonds.abi.Pack("begin", headerTime, decided, proven, verdicts)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBegin is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7a7c4e2f.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function begin(uint64 headerTime, uint256 decided, uint256 proven, (bytes32,bytes32,address)[] verdicts) returns()
func (bonds *Bonds) TryPackBegin(headerTime uint64, decided *big.Int, proven *big.Int, verdicts []BondsVerdict) ([]byte, error) {
	return bonds.abi.Pack("begin", headerTime, decided, proven, verdicts)
}

// PackBond is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x914d2c38.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function bond(bytes32 key, uint8 role, address operator, bytes32 proofR, bytes32 proofS) payable returns()
func (bonds *Bonds) PackBond(key [32]byte, role uint8, operator common.Address, proofR [32]byte, proofS [32]byte) []byte {
	enc, err := bonds.abi.Pack("bond", key, role, operator, proofR, proofS)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBond is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x914d2c38.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function bond(bytes32 key, uint8 role, address operator, bytes32 proofR, bytes32 proofS) payable returns()
func (bonds *Bonds) TryPackBond(key [32]byte, role uint8, operator common.Address, proofR [32]byte, proofS [32]byte) ([]byte, error) {
	return bonds.abi.Pack("bond", key, role, operator, proofR, proofS)
}

// PackBondOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fb585ba.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function bondOf(bytes32 key) view returns((address,uint8,uint8,uint32,uint40,address,uint64,uint128,uint64,uint64))
func (bonds *Bonds) PackBondOf(key [32]byte) []byte {
	enc, err := bonds.abi.Pack("bondOf", key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBondOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fb585ba.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function bondOf(bytes32 key) view returns((address,uint8,uint8,uint32,uint40,address,uint64,uint128,uint64,uint64))
func (bonds *Bonds) TryPackBondOf(key [32]byte) ([]byte, error) {
	return bonds.abi.Pack("bondOf", key)
}

// UnpackBondOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0fb585ba.
//
// Solidity: function bondOf(bytes32 key) view returns((address,uint8,uint8,uint32,uint40,address,uint64,uint128,uint64,uint64))
func (bonds *Bonds) UnpackBondOf(data []byte) (BondsBond, error) {
	out, err := bonds.abi.Unpack("bondOf", data)
	if err != nil {
		return *new(BondsBond), err
	}
	out0 := *abi.ConvertType(out[0], new(BondsBond)).(*BondsBond)
	return out0, nil
}

// PackBonded is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0331937d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function bonded(uint256 from, uint256 count) view returns(bytes32[] keys, uint256 more)
func (bonds *Bonds) PackBonded(from *big.Int, count *big.Int) []byte {
	enc, err := bonds.abi.Pack("bonded", from, count)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBonded is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0331937d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function bonded(uint256 from, uint256 count) view returns(bytes32[] keys, uint256 more)
func (bonds *Bonds) TryPackBonded(from *big.Int, count *big.Int) ([]byte, error) {
	return bonds.abi.Pack("bonded", from, count)
}

// BondedOutput serves as a container for the return parameters of contract
// method Bonded.
type BondedOutput struct {
	Keys [][32]byte
	More *big.Int
}

// UnpackBonded is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0331937d.
//
// Solidity: function bonded(uint256 from, uint256 count) view returns(bytes32[] keys, uint256 more)
func (bonds *Bonds) UnpackBonded(data []byte) (BondedOutput, error) {
	out, err := bonds.abi.Unpack("bonded", data)
	outstruct := new(BondedOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Keys = *abi.ConvertType(out[0], new([][32]byte)).(*[][32]byte)
	outstruct.More = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackBurned is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x73f42561.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function burned() view returns(uint128)
func (bonds *Bonds) PackBurned() []byte {
	enc, err := bonds.abi.Pack("burned")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBurned is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x73f42561.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function burned() view returns(uint128)
func (bonds *Bonds) TryPackBurned() ([]byte, error) {
	return bonds.abi.Pack("burned")
}

// UnpackBurned is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x73f42561.
//
// Solidity: function burned() view returns(uint128)
func (bonds *Bonds) UnpackBurned(data []byte) (*big.Int, error) {
	out, err := bonds.abi.Unpack("burned", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackCandidates is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7de14242.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function candidates(uint256 from, uint256 count) view returns(bytes32[] keys, uint64[] stakes, uint256 more)
func (bonds *Bonds) PackCandidates(from *big.Int, count *big.Int) []byte {
	enc, err := bonds.abi.Pack("candidates", from, count)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCandidates is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7de14242.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function candidates(uint256 from, uint256 count) view returns(bytes32[] keys, uint64[] stakes, uint256 more)
func (bonds *Bonds) TryPackCandidates(from *big.Int, count *big.Int) ([]byte, error) {
	return bonds.abi.Pack("candidates", from, count)
}

// CandidatesOutput serves as a container for the return parameters of contract
// method Candidates.
type CandidatesOutput struct {
	Keys   [][32]byte
	Stakes []uint64
	More   *big.Int
}

// UnpackCandidates is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x7de14242.
//
// Solidity: function candidates(uint256 from, uint256 count) view returns(bytes32[] keys, uint64[] stakes, uint256 more)
func (bonds *Bonds) UnpackCandidates(data []byte) (CandidatesOutput, error) {
	out, err := bonds.abi.Unpack("candidates", data)
	outstruct := new(CandidatesOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Keys = *abi.ConvertType(out[0], new([][32]byte)).(*[][32]byte)
	outstruct.Stakes = *abi.ConvertType(out[1], new([]uint64)).(*[]uint64)
	outstruct.More = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackClock is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x91ddadf4.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function clock() view returns(uint64)
func (bonds *Bonds) PackClock() []byte {
	enc, err := bonds.abi.Pack("clock")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClock is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x91ddadf4.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function clock() view returns(uint64)
func (bonds *Bonds) TryPackClock() ([]byte, error) {
	return bonds.abi.Pack("clock")
}

// UnpackClock is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x91ddadf4.
//
// Solidity: function clock() view returns(uint64)
func (bonds *Bonds) UnpackClock(data []byte) (uint64, error) {
	out, err := bonds.abi.Unpack("clock", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackCollect is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf3692c3e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function collect(uint256 step, bytes32 key) returns()
func (bonds *Bonds) PackCollect(step *big.Int, key [32]byte) []byte {
	enc, err := bonds.abi.Pack("collect", step, key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCollect is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf3692c3e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function collect(uint256 step, bytes32 key) returns()
func (bonds *Bonds) TryPackCollect(step *big.Int, key [32]byte) ([]byte, error) {
	return bonds.abi.Pack("collect", step, key)
}

// PackCommit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf14fcbc8.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function commit(bytes32 commitment) returns()
func (bonds *Bonds) PackCommit(commitment [32]byte) []byte {
	enc, err := bonds.abi.Pack("commit", commitment)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCommit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf14fcbc8.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function commit(bytes32 commitment) returns()
func (bonds *Bonds) TryPackCommit(commitment [32]byte) ([]byte, error) {
	return bonds.abi.Pack("commit", commitment)
}

// PackCommitted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb5ee95d3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function committed(bytes32 commitment) view returns(uint64 inBlock, uint64 number)
func (bonds *Bonds) PackCommitted(commitment [32]byte) []byte {
	enc, err := bonds.abi.Pack("committed", commitment)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCommitted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb5ee95d3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function committed(bytes32 commitment) view returns(uint64 inBlock, uint64 number)
func (bonds *Bonds) TryPackCommitted(commitment [32]byte) ([]byte, error) {
	return bonds.abi.Pack("committed", commitment)
}

// CommittedOutput serves as a container for the return parameters of contract
// method Committed.
type CommittedOutput struct {
	InBlock uint64
	Number  uint64
}

// UnpackCommitted is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb5ee95d3.
//
// Solidity: function committed(bytes32 commitment) view returns(uint64 inBlock, uint64 number)
func (bonds *Bonds) UnpackCommitted(data []byte) (CommittedOutput, error) {
	out, err := bonds.abi.Unpack("committed", data)
	outstruct := new(CommittedOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.InBlock = *abi.ConvertType(out[0], new(uint64)).(*uint64)
	outstruct.Number = *abi.ConvertType(out[1], new(uint64)).(*uint64)
	return *outstruct, nil
}

// PackCommittee is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd864e740.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function committee() view returns(bytes32[])
func (bonds *Bonds) PackCommittee() []byte {
	enc, err := bonds.abi.Pack("committee")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCommittee is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd864e740.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function committee() view returns(bytes32[])
func (bonds *Bonds) TryPackCommittee() ([]byte, error) {
	return bonds.abi.Pack("committee")
}

// UnpackCommittee is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd864e740.
//
// Solidity: function committee() view returns(bytes32[])
func (bonds *Bonds) UnpackCommittee(data []byte) ([][32]byte, error) {
	out, err := bonds.abi.Unpack("committee", data)
	if err != nil {
		return *new([][32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([][32]byte)).(*[][32]byte)
	return out0, nil
}

// PackCredit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5d44d80.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function credit(address owner) view returns(uint256)
func (bonds *Bonds) PackCredit(owner common.Address) []byte {
	enc, err := bonds.abi.Pack("credit", owner)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCredit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5d44d80.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function credit(address owner) view returns(uint256)
func (bonds *Bonds) TryPackCredit(owner common.Address) ([]byte, error) {
	return bonds.abi.Pack("credit", owner)
}

// UnpackCredit is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd5d44d80.
//
// Solidity: function credit(address owner) view returns(uint256)
func (bonds *Bonds) UnpackCredit(data []byte) (*big.Int, error) {
	out, err := bonds.abi.Unpack("credit", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackEpoch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x900cf0cf.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function epoch() view returns(uint64)
func (bonds *Bonds) PackEpoch() []byte {
	enc, err := bonds.abi.Pack("epoch")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackEpoch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x900cf0cf.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function epoch() view returns(uint64)
func (bonds *Bonds) TryPackEpoch() ([]byte, error) {
	return bonds.abi.Pack("epoch")
}

// UnpackEpoch is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x900cf0cf.
//
// Solidity: function epoch() view returns(uint64)
func (bonds *Bonds) UnpackEpoch(data []byte) (uint64, error) {
	out, err := bonds.abi.Unpack("epoch", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackEscrowOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x83a265a7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function escrowOf(bytes32 accused) view returns((address,uint64,uint128,uint128))
func (bonds *Bonds) PackEscrowOf(accused [32]byte) []byte {
	enc, err := bonds.abi.Pack("escrowOf", accused)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackEscrowOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x83a265a7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function escrowOf(bytes32 accused) view returns((address,uint64,uint128,uint128))
func (bonds *Bonds) TryPackEscrowOf(accused [32]byte) ([]byte, error) {
	return bonds.abi.Pack("escrowOf", accused)
}

// UnpackEscrowOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x83a265a7.
//
// Solidity: function escrowOf(bytes32 accused) view returns((address,uint64,uint128,uint128))
func (bonds *Bonds) UnpackEscrowOf(data []byte) (BondsEscrow, error) {
	out, err := bonds.abi.Unpack("escrowOf", data)
	if err != nil {
		return *new(BondsEscrow), err
	}
	out0 := *abi.ConvertType(out[0], new(BondsEscrow)).(*BondsEscrow)
	return out0, nil
}

// PackFound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x90d4969b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function found(bytes32 value, bytes32 claim) returns()
func (bonds *Bonds) PackFound(value [32]byte, claim [32]byte) []byte {
	enc, err := bonds.abi.Pack("found", value, claim)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackFound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x90d4969b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function found(bytes32 value, bytes32 claim) returns()
func (bonds *Bonds) TryPackFound(value [32]byte, claim [32]byte) ([]byte, error) {
	return bonds.abi.Pack("found", value, claim)
}

// PackProverPool is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc5a1de25.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function proverPool() view returns(uint128)
func (bonds *Bonds) PackProverPool() []byte {
	enc, err := bonds.abi.Pack("proverPool")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackProverPool is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc5a1de25.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function proverPool() view returns(uint128)
func (bonds *Bonds) TryPackProverPool() ([]byte, error) {
	return bonds.abi.Pack("proverPool")
}

// UnpackProverPool is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc5a1de25.
//
// Solidity: function proverPool() view returns(uint128)
func (bonds *Bonds) UnpackProverPool(data []byte) (*big.Int, error) {
	out, err := bonds.abi.Unpack("proverPool", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackQueue is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe10d29ee.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function queue() view returns(uint64 first, uint64 next)
func (bonds *Bonds) PackQueue() []byte {
	enc, err := bonds.abi.Pack("queue")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackQueue is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe10d29ee.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function queue() view returns(uint64 first, uint64 next)
func (bonds *Bonds) TryPackQueue() ([]byte, error) {
	return bonds.abi.Pack("queue")
}

// QueueOutput serves as a container for the return parameters of contract
// method Queue.
type QueueOutput struct {
	First uint64
	Next  uint64
}

// UnpackQueue is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe10d29ee.
//
// Solidity: function queue() view returns(uint64 first, uint64 next)
func (bonds *Bonds) UnpackQueue(data []byte) (QueueOutput, error) {
	out, err := bonds.abi.Unpack("queue", data)
	outstruct := new(QueueOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.First = *abi.ConvertType(out[0], new(uint64)).(*uint64)
	outstruct.Next = *abi.ConvertType(out[1], new(uint64)).(*uint64)
	return *outstruct, nil
}

// PackReady is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfcac49a2.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function ready(bytes32 key) returns()
func (bonds *Bonds) PackReady(key [32]byte) []byte {
	enc, err := bonds.abi.Pack("ready", key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReady is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfcac49a2.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function ready(bytes32 key) returns()
func (bonds *Bonds) TryPackReady(key [32]byte) ([]byte, error) {
	return bonds.abi.Pack("ready", key)
}

// PackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x67d42a8b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function release(bytes32 key) returns()
func (bonds *Bonds) PackRelease(key [32]byte) []byte {
	enc, err := bonds.abi.Pack("release", key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x67d42a8b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function release(bytes32 key) returns()
func (bonds *Bonds) TryPackRelease(key [32]byte) ([]byte, error) {
	return bonds.abi.Pack("release", key)
}

// PackReward is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8d6f4b97.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function reward(bytes32 accused) returns()
func (bonds *Bonds) PackReward(accused [32]byte) []byte {
	enc, err := bonds.abi.Pack("reward", accused)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReward is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8d6f4b97.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function reward(bytes32 accused) returns()
func (bonds *Bonds) TryPackReward(accused [32]byte) ([]byte, error) {
	return bonds.abi.Pack("reward", accused)
}

// PackSequencerPool is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xce057fb7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function sequencerPool() view returns(uint128)
func (bonds *Bonds) PackSequencerPool() []byte {
	enc, err := bonds.abi.Pack("sequencerPool")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSequencerPool is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xce057fb7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function sequencerPool() view returns(uint128)
func (bonds *Bonds) TryPackSequencerPool() ([]byte, error) {
	return bonds.abi.Pack("sequencerPool")
}

// UnpackSequencerPool is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xce057fb7.
//
// Solidity: function sequencerPool() view returns(uint128)
func (bonds *Bonds) UnpackSequencerPool(data []byte) (*big.Int, error) {
	out, err := bonds.abi.Unpack("sequencerPool", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackSettings is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe06174e4.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function settings() view returns((uint64,uint64,uint64,uint64,uint64,uint64))
func (bonds *Bonds) PackSettings() []byte {
	enc, err := bonds.abi.Pack("settings")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSettings is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe06174e4.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function settings() view returns((uint64,uint64,uint64,uint64,uint64,uint64))
func (bonds *Bonds) TryPackSettings() ([]byte, error) {
	return bonds.abi.Pack("settings")
}

// UnpackSettings is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe06174e4.
//
// Solidity: function settings() view returns((uint64,uint64,uint64,uint64,uint64,uint64))
func (bonds *Bonds) UnpackSettings(data []byte) (BondsParameters, error) {
	out, err := bonds.abi.Unpack("settings", data)
	if err != nil {
		return *new(BondsParameters), err
	}
	out0 := *abi.ConvertType(out[0], new(BondsParameters)).(*BondsParameters)
	return out0, nil
}

// PackSettled is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8f775839.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function settled() view returns(uint64 height, bytes32 value, bytes32 claim)
func (bonds *Bonds) PackSettled() []byte {
	enc, err := bonds.abi.Pack("settled")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSettled is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8f775839.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function settled() view returns(uint64 height, bytes32 value, bytes32 claim)
func (bonds *Bonds) TryPackSettled() ([]byte, error) {
	return bonds.abi.Pack("settled")
}

// SettledOutput serves as a container for the return parameters of contract
// method Settled.
type SettledOutput struct {
	Height uint64
	Value  [32]byte
	Claim  [32]byte
}

// UnpackSettled is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x8f775839.
//
// Solidity: function settled() view returns(uint64 height, bytes32 value, bytes32 claim)
func (bonds *Bonds) UnpackSettled(data []byte) (SettledOutput, error) {
	out, err := bonds.abi.Unpack("settled", data)
	outstruct := new(SettledOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Height = *abi.ConvertType(out[0], new(uint64)).(*uint64)
	outstruct.Value = *abi.ConvertType(out[1], new([32]byte)).(*[32]byte)
	outstruct.Claim = *abi.ConvertType(out[2], new([32]byte)).(*[32]byte)
	return *outstruct, nil
}

// PackStepAt is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf73780d0.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stepAt(uint256 step) view returns((bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint128,uint128,uint8,uint32,bytes32[]))
func (bonds *Bonds) PackStepAt(step *big.Int) []byte {
	enc, err := bonds.abi.Pack("stepAt", step)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStepAt is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf73780d0.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stepAt(uint256 step) view returns((bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint128,uint128,uint8,uint32,bytes32[]))
func (bonds *Bonds) TryPackStepAt(step *big.Int) ([]byte, error) {
	return bonds.abi.Pack("stepAt", step)
}

// UnpackStepAt is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xf73780d0.
//
// Solidity: function stepAt(uint256 step) view returns((bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint128,uint128,uint8,uint32,bytes32[]))
func (bonds *Bonds) UnpackStepAt(data []byte) (BondsStep, error) {
	out, err := bonds.abi.Unpack("stepAt", data)
	if err != nil {
		return *new(BondsStep), err
	}
	out0 := *abi.ConvertType(out[0], new(BondsStep)).(*BondsStep)
	return out0, nil
}

// PackTime is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x16ada547.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function time() view returns(uint64)
func (bonds *Bonds) PackTime() []byte {
	enc, err := bonds.abi.Pack("time")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTime is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x16ada547.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function time() view returns(uint64)
func (bonds *Bonds) TryPackTime() ([]byte, error) {
	return bonds.abi.Pack("time")
}

// UnpackTime is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x16ada547.
//
// Solidity: function time() view returns(uint64)
func (bonds *Bonds) UnpackTime(data []byte) (uint64, error) {
	out, err := bonds.abi.Unpack("time", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackTurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8bff8863.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function turn(bytes32[] next, uint64[] vertices) returns()
func (bonds *Bonds) PackTurn(next [][32]byte, vertices []uint64) []byte {
	enc, err := bonds.abi.Pack("turn", next, vertices)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8bff8863.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function turn(bytes32[] next, uint64[] vertices) returns()
func (bonds *Bonds) TryPackTurn(next [][32]byte, vertices []uint64) ([]byte, error) {
	return bonds.abi.Pack("turn", next, vertices)
}

// PackUnbond is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2fd1c2cd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function unbond(bytes32 key) returns()
func (bonds *Bonds) PackUnbond(key [32]byte) []byte {
	enc, err := bonds.abi.Pack("unbond", key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackUnbond is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2fd1c2cd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function unbond(bytes32 key) returns()
func (bonds *Bonds) TryPackUnbond(key [32]byte) ([]byte, error) {
	return bonds.abi.Pack("unbond", key)
}

// PackWaiting is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb405c549.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function waiting() view returns((bytes32,bytes32,bytes32,address,uint8,address,uint128)[] list)
func (bonds *Bonds) PackWaiting() []byte {
	enc, err := bonds.abi.Pack("waiting")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWaiting is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb405c549.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function waiting() view returns((bytes32,bytes32,bytes32,address,uint8,address,uint128)[] list)
func (bonds *Bonds) TryPackWaiting() ([]byte, error) {
	return bonds.abi.Pack("waiting")
}

// UnpackWaiting is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb405c549.
//
// Solidity: function waiting() view returns((bytes32,bytes32,bytes32,address,uint8,address,uint128)[] list)
func (bonds *Bonds) UnpackWaiting(data []byte) ([]BondsRequest, error) {
	out, err := bonds.abi.Unpack("waiting", data)
	if err != nil {
		return *new([]BondsRequest), err
	}
	out0 := *abi.ConvertType(out[0], new([]BondsRequest)).(*[]BondsRequest)
	return out0, nil
}

// PackWithdraw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3ccfd60b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function withdraw() returns()
func (bonds *Bonds) PackWithdraw() []byte {
	enc, err := bonds.abi.Pack("withdraw")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWithdraw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3ccfd60b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function withdraw() returns()
func (bonds *Bonds) TryPackWithdraw() ([]byte, error) {
	return bonds.abi.Pack("withdraw")
}

// BondsAdded represents a Added event raised by the Bonds contract.
type BondsAdded struct {
	Key   [32]byte
	Value *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const BondsAddedEventName = "Added"

// ContractEventName returns the user-defined event name.
func (BondsAdded) ContractEventName() string {
	return BondsAddedEventName
}

// UnpackAddedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Added(bytes32 indexed key, uint256 value)
func (bonds *Bonds) UnpackAddedEvent(log *types.Log) (*BondsAdded, error) {
	event := "Added"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsAdded)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsAsserted represents a Asserted event raised by the Bonds contract.
type BondsAsserted struct {
	Key    [32]byte
	Step   *big.Int
	Height uint64
	Value  [32]byte
	Raw    *types.Log // Blockchain specific contextual infos
}

const BondsAssertedEventName = "Asserted"

// ContractEventName returns the user-defined event name.
func (BondsAsserted) ContractEventName() string {
	return BondsAssertedEventName
}

// UnpackAssertedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Asserted(bytes32 indexed key, uint256 indexed step, uint64 height, bytes32 value)
func (bonds *Bonds) UnpackAssertedEvent(log *types.Log) (*BondsAsserted, error) {
	event := "Asserted"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsAsserted)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsCollected represents a Collected event raised by the Bonds contract.
type BondsCollected struct {
	Key   [32]byte
	Step  *big.Int
	Value *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const BondsCollectedEventName = "Collected"

// ContractEventName returns the user-defined event name.
func (BondsCollected) ContractEventName() string {
	return BondsCollectedEventName
}

// UnpackCollectedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Collected(bytes32 indexed key, uint256 indexed step, uint256 value)
func (bonds *Bonds) UnpackCollectedEvent(log *types.Log) (*BondsCollected, error) {
	event := "Collected"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsCollected)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsLeaving represents a Leaving event raised by the Bonds contract.
type BondsLeaving struct {
	Key [32]byte
	Raw *types.Log // Blockchain specific contextual infos
}

const BondsLeavingEventName = "Leaving"

// ContractEventName returns the user-defined event name.
func (BondsLeaving) ContractEventName() string {
	return BondsLeavingEventName
}

// UnpackLeavingEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Leaving(bytes32 indexed key)
func (bonds *Bonds) UnpackLeavingEvent(log *types.Log) (*BondsLeaving, error) {
	event := "Leaving"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsLeaving)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsReady represents a Ready event raised by the Bonds contract.
type BondsReady struct {
	Key   [32]byte
	Epoch uint64
	Raw   *types.Log // Blockchain specific contextual infos
}

const BondsReadyEventName = "Ready"

// ContractEventName returns the user-defined event name.
func (BondsReady) ContractEventName() string {
	return BondsReadyEventName
}

// UnpackReadyEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Ready(bytes32 indexed key, uint64 epoch)
func (bonds *Bonds) UnpackReadyEvent(log *types.Log) (*BondsReady, error) {
	event := "Ready"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsReady)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsReleased represents a Released event raised by the Bonds contract.
type BondsReleased struct {
	Key   [32]byte
	Owner common.Address
	Value *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const BondsReleasedEventName = "Released"

// ContractEventName returns the user-defined event name.
func (BondsReleased) ContractEventName() string {
	return BondsReleasedEventName
}

// UnpackReleasedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Released(bytes32 indexed key, address indexed owner, uint256 value)
func (bonds *Bonds) UnpackReleasedEvent(log *types.Log) (*BondsReleased, error) {
	event := "Released"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsReleased)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsRequested represents a Requested event raised by the Bonds contract.
type BondsRequested struct {
	Key   [32]byte
	Owner common.Address
	Role  uint8
	Value *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const BondsRequestedEventName = "Requested"

// ContractEventName returns the user-defined event name.
func (BondsRequested) ContractEventName() string {
	return BondsRequestedEventName
}

// UnpackRequestedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Requested(bytes32 indexed key, address indexed owner, uint8 role, uint256 value)
func (bonds *Bonds) UnpackRequestedEvent(log *types.Log) (*BondsRequested, error) {
	event := "Requested"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsRequested)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsRewarded represents a Rewarded event raised by the Bonds contract.
type BondsRewarded struct {
	Accused [32]byte
	Payee   common.Address
	Value   *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const BondsRewardedEventName = "Rewarded"

// ContractEventName returns the user-defined event name.
func (BondsRewarded) ContractEventName() string {
	return BondsRewardedEventName
}

// UnpackRewardedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Rewarded(bytes32 indexed accused, address indexed payee, uint256 value)
func (bonds *Bonds) UnpackRewardedEvent(log *types.Log) (*BondsRewarded, error) {
	event := "Rewarded"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsRewarded)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// BondsWithdrawn represents a Withdrawn event raised by the Bonds contract.
type BondsWithdrawn struct {
	Owner common.Address
	Value *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const BondsWithdrawnEventName = "Withdrawn"

// ContractEventName returns the user-defined event name.
func (BondsWithdrawn) ContractEventName() string {
	return BondsWithdrawnEventName
}

// UnpackWithdrawnEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Withdrawn(address indexed owner, uint256 value)
func (bonds *Bonds) UnpackWithdrawnEvent(log *types.Log) (*BondsWithdrawn, error) {
	event := "Withdrawn"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != bonds.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(BondsWithdrawn)
	if len(log.Data) > 0 {
		if err := bonds.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range bonds.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (bonds *Bonds) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], bonds.abi.Errors["Malformed"].ID.Bytes()[:4]) {
		return bonds.UnpackMalformedError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["NotAllowed"].ID.Bytes()[:4]) {
		return bonds.UnpackNotAllowedError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["NotSystem"].ID.Bytes()[:4]) {
		return bonds.UnpackNotSystemError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["Nothing"].ID.Bytes()[:4]) {
		return bonds.UnpackNothingError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["Refused"].ID.Bytes()[:4]) {
		return bonds.UnpackRefusedError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["TooEarly"].ID.Bytes()[:4]) {
		return bonds.UnpackTooEarlyError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["TooLarge"].ID.Bytes()[:4]) {
		return bonds.UnpackTooLargeError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["TooLate"].ID.Bytes()[:4]) {
		return bonds.UnpackTooLateError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["TooSmall"].ID.Bytes()[:4]) {
		return bonds.UnpackTooSmallError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["WrongRole"].ID.Bytes()[:4]) {
		return bonds.UnpackWrongRoleError(raw[4:])
	}
	if bytes.Equal(raw[:4], bonds.abi.Errors["WrongStatus"].ID.Bytes()[:4]) {
		return bonds.UnpackWrongStatusError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// BondsMalformed represents a Malformed error raised by the Bonds contract.
type BondsMalformed struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error Malformed()
func BondsMalformedErrorID() common.Hash {
	return common.HexToHash("0x07b6ad3ff7dbc4002539ae21306d8899743aedf933b34101681c6906979f10a5")
}

// UnpackMalformedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error Malformed()
func (bonds *Bonds) UnpackMalformedError(raw []byte) (*BondsMalformed, error) {
	out := new(BondsMalformed)
	if err := bonds.abi.UnpackIntoInterface(out, "Malformed", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsNotAllowed represents a NotAllowed error raised by the Bonds contract.
type BondsNotAllowed struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotAllowed()
func BondsNotAllowedErrorID() common.Hash {
	return common.HexToHash("0x3d693ada2b7d6a2edee20ea0cf19d7267a84cc4ae96aafe9d465faf4dde58518")
}

// UnpackNotAllowedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotAllowed()
func (bonds *Bonds) UnpackNotAllowedError(raw []byte) (*BondsNotAllowed, error) {
	out := new(BondsNotAllowed)
	if err := bonds.abi.UnpackIntoInterface(out, "NotAllowed", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsNotSystem represents a NotSystem error raised by the Bonds contract.
type BondsNotSystem struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotSystem()
func BondsNotSystemErrorID() common.Hash {
	return common.HexToHash("0xc928da195b9b557a27007b3fce9c4367c5e0e3f087c2ff1062d5efb42c515fdd")
}

// UnpackNotSystemError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotSystem()
func (bonds *Bonds) UnpackNotSystemError(raw []byte) (*BondsNotSystem, error) {
	out := new(BondsNotSystem)
	if err := bonds.abi.UnpackIntoInterface(out, "NotSystem", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsNothing represents a Nothing error raised by the Bonds contract.
type BondsNothing struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error Nothing()
func BondsNothingErrorID() common.Hash {
	return common.HexToHash("0xf9820cc132b89dd54523d3427f62edb25f113e8cd2efd7b6b2513f209fd24cba")
}

// UnpackNothingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error Nothing()
func (bonds *Bonds) UnpackNothingError(raw []byte) (*BondsNothing, error) {
	out := new(BondsNothing)
	if err := bonds.abi.UnpackIntoInterface(out, "Nothing", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsRefused represents a Refused error raised by the Bonds contract.
type BondsRefused struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error Refused()
func BondsRefusedErrorID() common.Hash {
	return common.HexToHash("0x8ac5ff0bf8ef9807b77ae1c204f55cfc54a1ef5de6b0c1149bcb69153525ab21")
}

// UnpackRefusedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error Refused()
func (bonds *Bonds) UnpackRefusedError(raw []byte) (*BondsRefused, error) {
	out := new(BondsRefused)
	if err := bonds.abi.UnpackIntoInterface(out, "Refused", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsTooEarly represents a TooEarly error raised by the Bonds contract.
type BondsTooEarly struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooEarly()
func BondsTooEarlyErrorID() common.Hash {
	return common.HexToHash("0x085de625ed51bbce95c12627fc263453b8d214878d184bd1eaa2cc357a507a30")
}

// UnpackTooEarlyError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooEarly()
func (bonds *Bonds) UnpackTooEarlyError(raw []byte) (*BondsTooEarly, error) {
	out := new(BondsTooEarly)
	if err := bonds.abi.UnpackIntoInterface(out, "TooEarly", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsTooLarge represents a TooLarge error raised by the Bonds contract.
type BondsTooLarge struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooLarge()
func BondsTooLargeErrorID() common.Hash {
	return common.HexToHash("0x218e0a074457490cf5a2687dcc5ec84b00fd0beac184d27cd24a0c387c348d73")
}

// UnpackTooLargeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooLarge()
func (bonds *Bonds) UnpackTooLargeError(raw []byte) (*BondsTooLarge, error) {
	out := new(BondsTooLarge)
	if err := bonds.abi.UnpackIntoInterface(out, "TooLarge", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsTooLate represents a TooLate error raised by the Bonds contract.
type BondsTooLate struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooLate()
func BondsTooLateErrorID() common.Hash {
	return common.HexToHash("0xecdd1c29e1637c8bfa8cc1f1073ba3a2f674b640f167e7c16246364c720ada92")
}

// UnpackTooLateError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooLate()
func (bonds *Bonds) UnpackTooLateError(raw []byte) (*BondsTooLate, error) {
	out := new(BondsTooLate)
	if err := bonds.abi.UnpackIntoInterface(out, "TooLate", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsTooSmall represents a TooSmall error raised by the Bonds contract.
type BondsTooSmall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooSmall()
func BondsTooSmallErrorID() common.Hash {
	return common.HexToHash("0xd313d3a20b40c7bb4556a5c296828d8f806dbc41668d3a46387e1cc2ec4fdc50")
}

// UnpackTooSmallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooSmall()
func (bonds *Bonds) UnpackTooSmallError(raw []byte) (*BondsTooSmall, error) {
	out := new(BondsTooSmall)
	if err := bonds.abi.UnpackIntoInterface(out, "TooSmall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsWrongRole represents a WrongRole error raised by the Bonds contract.
type BondsWrongRole struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongRole()
func BondsWrongRoleErrorID() common.Hash {
	return common.HexToHash("0x76699990f19ab1e5d89b3c5722ce001e8bd0e81fa5b52b58b478454f14263e16")
}

// UnpackWrongRoleError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongRole()
func (bonds *Bonds) UnpackWrongRoleError(raw []byte) (*BondsWrongRole, error) {
	out := new(BondsWrongRole)
	if err := bonds.abi.UnpackIntoInterface(out, "WrongRole", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// BondsWrongStatus represents a WrongStatus error raised by the Bonds contract.
type BondsWrongStatus struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongStatus()
func BondsWrongStatusErrorID() common.Hash {
	return common.HexToHash("0x8e78f0cb5ded6b50bc52e4e8d5b947ec7dd25c0b7a99b4898829302a03196dd8")
}

// UnpackWrongStatusError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongStatus()
func (bonds *Bonds) UnpackWrongStatusError(raw []byte) (*BondsWrongStatus, error) {
	out := new(BondsWrongStatus)
	if err := bonds.abi.UnpackIntoInterface(out, "WrongStatus", raw); err != nil {
		return nil, err
	}
	return out, nil
}
