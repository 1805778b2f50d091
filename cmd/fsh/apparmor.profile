# Lets fsh make user namespaces where AppArmor keeps them from programs without
# a profile (Ubuntu 23.10 and later, kernel.apparmor_restrict_unprivileged_userns).
# It confines nothing: what runs inside is confined by fsh itself.
#
# Install:  fsh doctor --apparmor | sudo tee /etc/apparmor.d/fsh
#           sudo apparmor_parser -r /etc/apparmor.d/fsh
# Remove:   sudo apparmor_parser -R /etc/apparmor.d/fsh && sudo rm /etc/apparmor.d/fsh

abi <abi/4.0>,
include <tunables/global>

profile fsh /usr/{,local/}bin/fsh flags=(unconfined) {
  userns,

  include if exists <local/fsh>
}
