package main

// accountWays are the ways in that are about accounts. What is asked for here is
// refused to those who may call, or changes nothing that the others need.
func accountWays() []way {
	link := map[string]string{"token": "x", "password": password}
	answered := map[string]any{"ceremony": "x", "credential": map[string]string{}}
	role := "/api/accounts/{account}/roles/{role}"
	return []way{
		{"POST", "/api/invitation", "anyone", 403, map[string]string{"token": "x"}, false, 0},
		{"POST", "/api/invitation/accept", "anyone", 403, link, false, 0},
		{"POST", "/api/reset", "anyone", 403, link, false, 0},
		{"PUT", "/api/me/password", "signed_in", 403, map[string]string{"old": "a wrong one", "new": password}, false, 0},
		{"GET", "/api/me/browsers", "signed_in", 200, nil, false, 0},
		{"DELETE", "/api/me/browsers/{browser}", "signed_in", 204, nil, false, 0},
		{"GET", "/api/me/credentials", "signed_in", 200, nil, false, 0},
		{"PUT", "/api/me/credentials/{credential}", "signed_in", 404, map[string]string{"name": "desk"}, false, 0},
		{"DELETE", "/api/me/credentials/{credential}", "signed_in", 404, nil, false, 0},
		{"GET", "/api/sign-in", "anyone", 200, nil, false, 0},
		{"POST", "/api/sign-in/passkey/options", "anyone", 409, nil, false, 0}, // the test's page is at a number
		{"POST", "/api/sign-in/passkey", "anyone", 409, answered, false, 0},
		{"POST", "/api/me/passkeys/options", "signed_in", 409, nil, false, 0},
		{"POST", "/api/me/passkeys", "signed_in", 409, answered, false, 0},
		{"POST", "/api/sign-in/openid", "anyone", 404, nil, false, 0}, // no provider is configured
		{"POST", "/api/me/openid", "signed_in", 404, nil, false, 0},
		{"GET", "/api/sign-in/openid/callback", "anyone", 200, nil, false, 0}, // the page, which says why
		{"POST", "/api/invitations", "operator", 201, map[string]any{"email": "ina@example.org", "roles": []string{"learner"}}, false, 0},
		{"GET", "/api/invitations", "operator", 200, nil, false, 0},
		{"POST", "/api/invitation/passkey/options", "anyone", 403, map[string]string{"token": "x"}, false, 0},
		{"POST", "/api/invitation/openid", "anyone", 403, map[string]string{"token": "x"}, false, 0},
		{"DELETE", "/api/invitations/{account}", "operator", 404, nil, false, 0},
		{"GET", "/api/accounts", "operator", 200, nil, false, 0},
		{"PUT", role, "operator", 404, nil, false, 0},
		{"DELETE", role, "operator", 404, nil, false, 0},
	}
}
