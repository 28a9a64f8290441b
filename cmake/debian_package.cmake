# SPDX-License-Identifier: MIT
# What `cpack -G DEB` makes: libtimed-connect-dev, the headers for every architecture.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libtimed-connect-dev)
set(CPACK_PACKAGE_CONTACT "the timed_connect authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "connects a socket before a deadline (C++20, headers only)")
set(CPACK_PACKAGE_DESCRIPTION "One call does the non-blocking connect, the wait and the proof that there is
a peer. At the deadline a policy decides what becomes of the attempt, and the
outcome tells exactly what is left behind.")
string(REPLACE "-" "~" CPACK_PACKAGE_VERSION ${full_version})  # a candidate comes before its release
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)

# One package, with the license where Debian has it. A changelog of Debian's form would be signed with an address for mail,
# and the project has none.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_PACKAGE_NAME} RENAME copyright
  COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_COMPONENTS_ALL ${CMAKE_INSTALL_DEFAULT_COMPONENT_NAME} debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
include(CPack)
