class Carryoverd < Formula
  include Language::Python::Virtualenv

  desc "Keeps a handoff between AI coding agents fresh"
  homepage "https://github.com/carryover-dev/carryover"
  url "@URL@"
  sha256 "@SHA256@"
  license "Apache-2.0"

  depends_on "rust" => :build # for watchfiles
  depends_on "libyaml"
  depends_on "python@@PYTHON@"

@RESOURCES@

  def install
    venv = virtualenv_install_with_resources
    (venv.site_packages/"carryoverd-#{version}.dist-info/INSTALLER").atomic_write "brew\n"
    man1.install Dir[libexec/"share/man/man1/*.1"]
    generate_completions_from_executable(bin/"carryover", "completions", shells: [:bash, :zsh, :fish])
  end

  def caveats
    <<~EOS
      Set it up for the agents you use:
        carryover install
      Before you uninstall this formula:
        carryover uninstall
      macOS may ask once whether Python may read other programs' files.
      Without it, transcripts that lie there are skipped.
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/carryover --version")
    system bin/"carryover", "status"
  end
end
