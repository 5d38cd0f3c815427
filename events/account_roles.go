package events

// Role is what an account may do; one person may hold several.
type Role string

// The roles.
const (
	RoleLearner  Role = "learner"
	RoleAnalyst  Role = "analyst"
	RoleOperator Role = "operator"
)

// ParseRole reads a role. Errors: CodeInvalid.
func ParseRole(text string) (Role, error) {
	switch r := Role(text); r {
	case RoleLearner, RoleAnalyst, RoleOperator:
		return r, nil
	}
	return "", Errorf(CodeInvalid, "role %q is none of learner, analyst, operator", clip(text))
}

// AccountRoleGranted adds a role.
type AccountRoleGranted struct {
	Role Role `json:"role"`
}

// AccountRoleWithdrawn takes a role away.
type AccountRoleWithdrawn struct {
	Role Role `json:"role"`
}

// Kind is account_role_granted.
func (*AccountRoleGranted) Kind() Kind { return KindAccountRoleGranted }

// Kind is account_role_withdrawn.
func (*AccountRoleWithdrawn) Kind() Kind { return KindAccountRoleWithdrawn }

// Grant gives the account a role. One that it holds drafts nothing.
// Errors: CodeNotFound.
func (a *Account) Grant(role Role) ([]Event, error) {
	if !a.Live() || a.Roles[role] {
		return nil, a.missing()
	}
	return Draft(&AccountRoleGranted{Role: role}), nil
}

// Withdraw takes a role away. One that it does not hold drafts nothing. That
// somebody stays an operator is for the caller to see to: it is about all accounts.
// Errors: CodeNotFound.
func (a *Account) Withdraw(role Role) ([]Event, error) {
	if !a.Live() || !a.Roles[role] {
		return nil, a.missing()
	}
	return Draft(&AccountRoleWithdrawn{Role: role}), nil
}

// missing is why a command on an account that is nobody's is refused; nil for
// one that is somebody's.
func (a *Account) missing() error {
	if a.Live() {
		return nil
	}
	return Errorf(CodeNotFound, "there is no such account")
}
