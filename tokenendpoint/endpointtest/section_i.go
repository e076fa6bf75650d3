package endpointtest

var sectionI = []rule{}

var timedI = []rule{}
