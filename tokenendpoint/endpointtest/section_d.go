package endpointtest

var sectionD = []rule{}

var timedD = []rule{}
