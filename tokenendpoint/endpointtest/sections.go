package endpointtest

// sections are the rows of the specification by its own division.
var sections = [][]rule{
	sectionA, // transport, method, envelope
	sectionB, // form body
	sectionC, // JSON body
	sectionD, // client authentication
	sectionF, // grant_type, authorisation of the client, scope
	sectionG, // authorization_code
	sectionH, // PKCE
	sectionI, // refresh_token
	sectionJ, // api_key
	sectionK, // the access token
	sectionQ, // resource indicators, errors as contract
}

// timedSections are the rows that are about time.
var timedSections = [][]rule{
	timedA, timedB, timedC, timedD, timedF, timedG, timedH, timedI, timedJ, timedK, timedQ, timedLimitRules,
}
